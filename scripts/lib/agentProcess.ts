/** A real agent as a process of its own, from the file that hosts get. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { execa } from "execa";
import { AGENT_FILE } from "./paths.ts";
import { Problem } from "./problem.ts";

/** How long an agent may take to stop in order before it is killed. */
const STOP_MS = 20_000;

export interface AgentSettings {
  stateDir: string;
  slots?: number;
  /** Beyond what an agent has from us; nothing else of our environment matters to it. */
  env?: Record<string, string>;
}

/** Enrolls with a join token. @throws Problem with the agent's own words */
export async function enrollAgent(
  settings: AgentSettings & { url: string; token: string; name: string; labels?: Record<string, string> },
): Promise<void> {
  const labels = Object.entries(settings.labels ?? {}).flatMap(([key, value]) => [
    "--label",
    `${key}=${value}`,
  ]);
  const args = [
    "enroll",
    "--force",
    "--url",
    settings.url,
    "--name",
    settings.name,
    "--state",
    settings.stateDir,
  ];
  const slots = settings.slots === undefined ? [] : ["--slots", String(settings.slots)];
  const result = await execa(process.execPath, [AGENT_FILE, ...args, ...slots, ...labels], {
    // Not on the command line, where other people of the machine could read it.
    env: { FARHAND_JOIN_TOKEN: settings.token },
    reject: false,
    all: true,
  });
  if (result.exitCode !== 0) throw new Problem(`The agent could not enroll: ${result.all.trim()}`);
}

export interface AgentProcess {
  pid: number;
  /** Resolves with its exit code when it is gone; undefined when a signal ended it. */
  ended: Promise<number | undefined>;
  /** Asks it to stop in order, and kills it when it does not. */
  stop(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** What it wrote last, for a message. */
  lastWords(): string;
}

/** Starts an enrolled agent; its log goes to the end of a file. */
export function runAgent(settings: AgentSettings & { logFile: string }): AgentProcess {
  mkdirSync(dirname(settings.logFile), { recursive: true });
  const log = openSync(settings.logFile, "a");
  const child = spawn(process.execPath, [AGENT_FILE, "run", "--state", settings.stateDir], {
    // A group of its own: Ctrl-C reaches only us, and we stop things in order.
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...process.env, ...settings.env },
  });
  closeSync(log);
  const ended = once(child, "exit").then(([code]: number[]) => code ?? undefined);
  return {
    pid: child.pid ?? 0,
    ended,
    stop: () => stopChild(child, ended),
    signal: (signal) => void child.kill(signal),
    lastWords: () => readFileSync(settings.logFile, "utf8").trimEnd().split("\n").slice(-3).join("\n"),
  };
}

async function stopChild(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(killer);
}
