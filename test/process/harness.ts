/** Real agent processes, and the folders they live in, for one test file. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import type { CommandBlock } from "#protocol/blocks/index.ts";
import { buildAgent } from "../../agent/build.ts";
import { clearCgroups } from "../harness/cgroups.ts";
import { clearPipes } from "../harness/pipes.ts";
import { Changes, FakeControlPlane, type PlaneOptions } from "./fake-control-plane.ts";

/** This file's own folder; made by `prepareAgent`. */
let root = "";
let agentFile = "";
const running = new Set<AgentProcess>();
/** State directories of agents that ran: their groups are left when they are killed. */
const states = new Set<string>();
const planes = new Set<FakeControlPlane>();

/** Builds the agent once for the file, and leaves neither process nor folder behind. */
export function prepareAgent(): void {
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "farhand-process-"));
    agentFile = await buildAgent(join(root, "farhand-agent.mjs"));
  });
  afterEach(async () => {
    await Promise.all(Array.from(running, (agent) => agent.kill()));
    killSteps();
    await Promise.all(Array.from(states, (state) => clearCgroups(state)));
    for (const state of states) clearPipes(state);
    states.clear();
    await Promise.all(Array.from(planes, (plane) => plane.stop()));
    planes.clear();
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));
}

/** Ends what agents that were killed have left: every step has a path of this file's folder in its environment. */
function killSteps(): void {
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      if (readFileSync(`/proc/${pid}/environ`, "latin1").includes(`TMPDIR=${root}/`))
        process.kill(pid, "SIGKILL");
    } catch {
      // Gone, or not ours to look at.
    }
  }
}

export interface Output {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs one command of the agent to its end. */
export async function agentCommand(
  args: string[],
  env: Record<string, string> = {},
  input = "",
): Promise<Output> {
  const child = spawn(process.execPath, [agentFile, ...args], {
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  // It may end before it has read all of it.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

export type LogLine = Record<string, unknown> & { msg: string };

/** A running `farhand-agent run`. */
export class AgentProcess {
  readonly child: ChildProcess;
  readonly lines: LogLine[] = [];
  readonly raw: string[] = [];
  readonly #changes = new Changes();
  readonly exited: Promise<number | null>;

  constructor(state: string, env: Record<string, string>) {
    this.child = spawn(process.execPath, [agentFile, "run", "--state", state], {
      stdio: ["ignore", "inherit", "pipe"],
      env: { PATH: process.env.PATH ?? "", ...env },
    });
    running.add(this);
    states.add(state);
    let rest = "";
    this.child.stderr?.on("data", (data) => {
      const lines = (rest + data).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.raw.push(line);
        if (line.startsWith("{")) this.lines.push(JSON.parse(line));
      }
      this.#changes.notify();
    });
    this.exited = new Promise((resolve) =>
      this.child.once("close", (code) => {
        running.delete(this);
        resolve(code);
      }),
    );
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  logged(text: string): Promise<LogLine> {
    return this.#changes.until(`the log line "${text}"`, () =>
      this.lines.find((line) => line.msg.includes(text)),
    );
  }

  async kill(): Promise<void> {
    if (this.alive) this.child.kill("SIGKILL");
    await this.exited;
  }

  async terminate(): Promise<number | null> {
    this.child.kill("SIGTERM");
    return this.exited;
  }
}

export interface Site {
  plane: FakeControlPlane;
  state: string;
  /** Starts the enrolled agent. */
  start(env?: Record<string, string>): AgentProcess;
  /** A path in a folder of this test's own. */
  path(name: string): string;
}

/** A control plane that is gone after the test. */
export async function newPlane(options?: PlaneOptions): Promise<FakeControlPlane> {
  const plane = await FakeControlPlane.start(options);
  planes.add(plane);
  return plane;
}

/** A control plane and an enrolled agent that is not running yet. */
export async function site(options: { slots?: number } = {}): Promise<Site> {
  const plane = await newPlane();
  const folder = mkdtempSync(join(root, "site-"));
  const state = join(folder, "state");
  const enrolled = await agentCommand([
    ...["enroll", "--url", plane.url, "--token", "join-me", "--state", state],
    ...["--slots", String(options.slots ?? 4)],
  ]);
  if (enrolled.code !== 0) throw new Error(`enrolment failed: ${enrolled.stderr}`);
  return {
    plane,
    state,
    start: (env = {}) => new AgentProcess(state, env),
    path: (name) => join(folder, name),
  };
}

/** A site whose agent is connected. */
export async function connectedSite(
  options: { slots?: number; env?: Record<string, string> } = {},
): Promise<Site & { agent: AgentProcess }> {
  const made = await site(options);
  const agent = made.start(options.env);
  await made.plane.connected();
  return { ...made, agent };
}

export function command(id: string, script: string, more: Partial<CommandBlock> = {}): CommandBlock {
  return { kind: "command", id, interpreter: "bash", script, ...more };
}

/** Script text that proves it ran: one line in a file that only grows. */
export function oracle(path: string, word = "ran"): string {
  return `echo ${word} $$ >> '${path}'`;
}

export function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
}

export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

/** Resolves when the file exists and holds a whole line, which it returns. */
export async function lineIn(path: string): Promise<string> {
  for (let tries = 0; tries < 1_000; tries++) {
    const [line] = linesOf(path);
    if (line !== undefined && readFileSync(path, "utf8").endsWith("\n")) return line;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`nothing came into ${path}`);
}

/** Resolves when none of the processes lives any more. */
export async function gone(pids: number[]): Promise<void> {
  for (let tries = 0; tries < 1_500; tries++) {
    if (!pids.some(isAlive)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`still alive: ${pids.filter(isAlive).join(", ")}`);
}
