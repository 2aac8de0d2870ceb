/** Starts the control plane in a process of its own and holds it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newerData } from "./dataFolder.ts";
import { type HostOrder, type HostReport, hostReportSchema } from "./hostMessages.ts";
import { WORKER_DIST } from "./paths.ts";
import { EXIT, Problem } from "./problem.ts";

const HOST = fileURLToPath(new URL("host.ts", import.meta.url));

export interface ControlPlaneOptions {
  dataDir: string;
  authSecret: string;
  /** 0 for any free one. */
  port: number;
  /** The address at which others reach it; the one at which it listens when absent. */
  publicUrl?: string;
  /** Settings of the worker beyond the required ones. */
  settings?: Record<string, string>;
  /** A folder with releases of the agent, to be offered to hosts. */
  releases?: string;
  /** Another bundle than the one that a deploy would upload. */
  workerDir?: string;
}

export interface ControlPlane {
  url: string;
  port: number;
  /** The process that holds workerd. */
  pid: number;
  logFile: string;
  /** Migrations that were applied at this start. */
  migrated: string[];
  /**
   * Loads a new bundle; objects and sockets go as in a deploy, storage stays.
   * @throws Problem when it does not start
   */
  reload(): Promise<void>;
  /** Offers what the folder of releases holds now. @throws Problem when it cannot */
  publish(): Promise<void>;
  /** Has a process stopped when ours dies without a word. */
  guard(pid: number): void;
  stop(): Promise<void>;
  /** Resolves when the process is gone, whoever ended it. */
  ended: Promise<void>;
}

/** @throws Problem when the port is taken, the data is newer, or workerd does not start */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const port = await claimPort(options.port);
  const url = `http://localhost:${port}`;
  const logFile = join(options.dataDir, "logs", "control-plane.log");
  // A group of its own: Ctrl-C reaches only us, and we stop things in order.
  const child = spawn(process.execPath, [HOST], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    detached: true,
  });
  const ended = once(child, "exit").then(() => undefined);
  const { dataDir, authSecret, settings = {}, workerDir = WORKER_DIST, releases } = options;
  const publicUrl = options.publicUrl ?? url;
  const start = { dataDir, workerDir, authSecret, settings, port, publicUrl, logFile, releases };
  const report = await ask(child, { type: "start", options: start });
  if (report.type === "failed") {
    await ended;
    throw report.reason === "newer_data" ? newerData(dataDir) : didNotStart(report.message);
  }
  return {
    url,
    port,
    pid: child.pid ?? 0,
    logFile,
    migrated: report.type === "ready" ? report.migrated : [],
    reload: async () => {
      const reloaded = await ask(child, { type: "reload" });
      if (reloaded.type === "failed") throw didNotStart(reloaded.message);
    },
    publish: async () => {
      const published = await ask(child, { type: "publish" });
      if (published.type === "failed") {
        throw new Problem(`The releases could not be offered: ${published.message}`);
      }
    },
    guard: (pid) => void child.send({ type: "guard", pid } satisfies HostOrder),
    stop: async () => {
      if (child.connected) child.send({ type: "stop" } satisfies HostOrder);
      await ended;
    },
    ended,
  };
}

/** Sends an order and waits for what is reported back, or for the process to end. */
async function ask(child: ChildProcess, order: HostOrder): Promise<HostReport> {
  const answer = new Promise<HostReport>((resolve) => {
    const ended = (code: number | null) =>
      resolve({ type: "failed", reason: "other", message: `its process ended with ${code ?? "a signal"}` });
    child.once("exit", ended);
    child.once("message", (message) => {
      child.off("exit", ended);
      resolve(hostReportSchema.parse(message));
    });
  });
  child.send(order);
  return answer;
}

function didNotStart(message: string): Problem {
  return new Problem(`The control plane did not start: ${message}`);
}

/** The port itself when it is free, or some free one for 0. */
async function claimPort(port: number): Promise<number> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") {
      throw new Problem(
        `Port ${port} is in use. Stop what uses it, or choose another with --port.`,
        EXIT.portInUse,
      );
    }
    if (code === "EACCES")
      throw new Problem(`Port ${port} may not be used. Choose one above 1023 with --port.`, EXIT.portInUse);
    throw error;
  }
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : port;
}
