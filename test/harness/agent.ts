/** A real agent process that a test may kill, stop and start again on the same state. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { joinTokenCreatedSchema } from "#protocol/api/pools.ts";
import { enrollAgent } from "../../scripts/lib/agentProcess.ts";
import { AGENT_FILE } from "../../scripts/lib/paths.ts";
import { untilTrue } from "./files.ts";
import type { Tenant } from "./tenant.ts";
import { Watch } from "./watch.ts";

export interface AgentOptions {
  name?: string;
  slots?: number;
  labels?: Record<string, string>;
  /** Dials this address instead of the control plane's own: a proxy's. */
  url?: string;
  env?: Record<string, string>;
  /** Where its state is; a folder of its own when absent. */
  folder?: string;
}

type LogLine = Record<string, unknown> & { msg: string };

export class TestAgent {
  readonly stateDir: string;
  readonly log: LogLine[] = [];
  readonly #env: Record<string, string>;
  readonly #watch = new Watch();
  #child: ChildProcess | undefined;
  #connections = 0;

  private constructor(stateDir: string, env: Record<string, string>) {
    this.stateDir = stateDir;
    this.#env = env;
  }

  /** Enrols with a fresh join token of the tenant's pool, starts, and waits for the connection. */
  static async start(tenant: Tenant, folder: string, options: AgentOptions): Promise<TestAgent> {
    const stateDir = join(folder, "agent");
    mkdirSync(folder, { recursive: true });
    const { token } = await tenant.api.call(joinTokenCreatedSchema, "POST", "/join-tokens", {
      body: { poolId: tenant.poolId },
    });
    const { name = "agent", slots = 4, labels = {}, url = tenant.api.url } = options;
    await enrollAgent({ stateDir, token, name, slots, labels, url });
    const agent = new TestAgent(stateDir, options.env ?? {});
    try {
      await agent.run();
    } catch (error) {
      // Nobody else knows of it.
      await agent.kill();
      throw error;
    }
    return agent;
  }

  /** On a state directory that holds an identity already; not started yet. */
  static on(stateDir: string): TestAgent {
    return new TestAgent(stateDir, {});
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (!pid) throw new Error("the agent does not run");
    return pid;
  }

  /** Starts the process (again) and waits until it is connected. */
  async run(env: Record<string, string> = {}): Promise<void> {
    const before = this.#connections;
    this.launch(env);
    await this.until("the agent to connect", () => this.#connections > before);
  }

  /** Starts the process without waiting for anything. `env` is for this run alone. */
  launch(env: Record<string, string> = {}): void {
    const child = spawn(process.execPath, [AGENT_FILE, "run", "--state", this.stateDir], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: process.env.PATH ?? "", ...this.#env, ...env },
    });
    this.#child = child;
    let rest = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#note(line);
      this.#watch.changed();
    });
    child.on("exit", () => this.#watch.changed());
  }

  /** Resolves when its log holds a line with these words, counted from now. */
  logs(words: string): Promise<LogLine> {
    const from = this.log.length;
    return this.until(`the agent to log "${words}"`, () =>
      this.log.slice(from).find((line) => line.msg.includes(words)),
    );
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Resolves when it is gone, whatever ended it. */
  async died(): Promise<void> {
    const child = this.#child;
    await this.until("the agent to die", () => child?.exitCode !== null || child.signalCode !== null);
  }

  /** Gone at once, without a word. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Asked to stop, and waited for. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Resolves when its journal holds how a step ended. */
  journaledEnd(step: string): Promise<void> {
    const folder = join(this.stateDir, "journal");
    return untilTrue(`the end of ${step} in the journal`, () =>
      readdirSync(folder).some((name) => {
        const lines = readFileSync(join(folder, name), "utf8").split("\n");
        return lines.some((line) => line.includes('"finished"') && line.includes(`"${step}"`));
      }),
    );
  }

  until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    return this.#watch.until(what, look, () =>
      this.log
        .slice(-15)
        .map((line) => JSON.stringify(line))
        .join("\n"),
    );
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    // A stopped process takes no other signal.
    child.kill("SIGCONT");
    await exited;
  }

  #note(line: string): void {
    const entry: LogLine = line.startsWith("{") ? JSON.parse(line) : { msg: line };
    this.log.push(entry);
    if (entry.msg === "connected") this.#connections += 1;
  }
}
