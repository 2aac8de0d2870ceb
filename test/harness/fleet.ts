/**
 * Many real agents in few processes. Each enrols with a join token of its own
 * and has its own identity, state directory, journal, spool, sockets and child
 * processes; `fleetHost.ts` is the process that many of them share.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { joinTokenCreatedSchema } from "#protocol/api/pools.ts";
import type { Client } from "../../scripts/lib/client.ts";
import { type FleetMember, type FleetOrder, type FleetReport, fleetReportSchema } from "./fleetMessages.ts";
import { inParallel } from "./inParallel.ts";
import { Watch } from "./watch.ts";

const HOST = fileURLToPath(new URL("fleetHost.ts", import.meta.url));
const DEFAULT_PER_PROCESS = 100;
const TOKENS_AT_ONCE = 8;
/** For enrolling and opening, and for connecting, of each agent: a busy machine included. */
const PATIENCE_MS = 60_000;
const PATIENCE_EACH_MS = 200;

export interface FleetOptions {
  count: number;
  folder: string;
  /** 1 for a process to each; the fewer, the less memory. */
  perProcess?: number;
  slots?: number;
  labels?: (index: number) => Record<string, string>;
  /** Dials this address instead of the control plane's own: a proxy's. */
  url?: string;
}

export interface FleetAgent {
  index: number;
  name: string;
  agentId: string;
  stateDir: string;
}

/** When an agent's control socket was welcomed, ms since the epoch. */
export interface Connection {
  index: number;
  at: number;
}

export class Fleet {
  readonly agents: FleetAgent[] = [];
  /** Every one since the beginning, in the order in which they were told of. */
  readonly connections: Connection[] = [];
  /** Every one that was lost, and every try that failed, with the agent's own words. */
  readonly losses: (Connection & { why: string; retryInMs: number })[] = [];
  readonly #options: FleetOptions & { url: string };
  readonly #members: FleetMember[];
  readonly #connected = new Set<number>();
  readonly #watch = new Watch();
  #hosts: ChildProcess[] = [];
  #failure: string | undefined;

  private constructor(options: FleetOptions & { url: string }, members: FleetMember[]) {
    this.#options = options;
    this.#members = members;
  }

  /** Enrols so many agents into the pool, and opens them; `connect` has them dial. */
  static async open(api: Client, poolId: string, options: FleetOptions): Promise<Fleet> {
    const { count, folder, labels = () => ({}) } = options;
    const members: FleetMember[] = [];
    await inParallel(TOKENS_AT_ONCE, Array.from({ length: count }), async (_, index) => {
      const body = { poolId };
      const { token } = await api.call(joinTokenCreatedSchema, "POST", "/join-tokens", { body });
      const name = `agent-${String(index).padStart(String(count - 1).length, "0")}`;
      members[index] = { index, name, token, stateDir: join(folder, name), labels: labels(index) };
    });
    mkdirSync(folder, { recursive: true });
    const fleet = new Fleet({ ...options, url: options.url ?? api.url }, members);
    await fleet.#launch();
    return fleet;
  }

  /** The same, connected. */
  static async start(api: Client, poolId: string, options: FleetOptions): Promise<Fleet> {
    const fleet = await Fleet.open(api, poolId, options);
    await fleet.connect();
    return fleet;
  }

  get pids(): number[] {
    return this.#hosts.flatMap(({ pid }) => pid ?? []);
  }

  get stateDirs(): string[] {
    return this.#members.map(({ stateDir }) => stateDir);
  }

  get connected(): number {
    return this.#connected.size;
  }

  /** Has all of them dial at once; resolves when all are welcome. */
  async connect(): Promise<void> {
    for (const host of this.#hosts) send(host, { type: "connect" });
    await this.allConnected();
  }

  /** Resolves when all of them are connected. */
  async allConnected(): Promise<void> {
    await this.until("all agents to be connected", () => this.#connected.size === this.#members.length);
  }

  /** Resolves when every one has been welcomed once more since a time, ms since the epoch; with the first such time of each. */
  reconnectedSince(since: number): Promise<Connection[]> {
    return this.until("all agents to be back", () => {
      const first = new Map<number, Connection>();
      for (const each of this.connections) {
        if (each.at >= since && !first.has(each.index)) first.set(each.index, each);
      }
      return first.size === this.#members.length && Array.from(first.values());
    });
  }

  /** Gone at once, without a word. */
  async kill(): Promise<void> {
    await this.#end((host) => void host.kill("SIGKILL"));
  }

  /** Asked to stop, and waited for. */
  async stop(): Promise<void> {
    await this.#end((host) => send(host, { type: "stop" }));
  }

  /** Starts the processes again, on the same state, and waits until all are connected. */
  async run(): Promise<void> {
    await this.#launch();
    await this.connect();
  }

  /** Resolves with the first value of `look` that is neither undefined nor false. @throws when an agent could not be opened */
  async until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    const failureOr = (): { failure: string } | { failure?: undefined; value: T } | undefined => {
      if (this.#failure !== undefined) return { failure: this.#failure };
      const value = look();
      return value === undefined || value === false ? undefined : { value };
    };
    const patience = PATIENCE_MS + PATIENCE_EACH_MS * this.#members.length;
    const context = () => `${this.#connected.size} are connected`;
    const found = await this.#watch.until(what, failureOr, context, patience);
    if (found.failure !== undefined) throw new Error(`the fleet failed: ${found.failure}`);
    return found.value;
  }

  async #launch(): Promise<void> {
    const { perProcess = DEFAULT_PER_PROCESS, slots = 4, url } = this.#options;
    const opened: Promise<void>[] = [];
    for (let from = 0; from < this.#members.length; from += perProcess) {
      const members = this.#members.slice(from, from + perProcess);
      opened.push(this.#host(members, { type: "open", url, slots, members }));
    }
    await Promise.all(opened);
  }

  /** Starts one process; resolves when its agents are open. */
  async #host(members: FleetMember[], order: FleetOrder): Promise<void> {
    const host = spawn(process.execPath, [HOST], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: { PATH: process.env.PATH ?? "" },
    });
    this.#hosts.push(host);
    let isReady = false;
    host.on("message", (message) => {
      const report = fleetReportSchema.parse(message);
      if (report.type === "ready") {
        isReady = true;
        for (const [at, { index, name, stateDir }] of members.entries()) {
          this.agents[index] = { index, name, stateDir, agentId: report.agentIds[at] ?? "" };
        }
      } else this.#note(report);
      this.#watch.changed();
    });
    host.on("exit", (code) => {
      for (const { index } of members) this.#connected.delete(index);
      if (!isReady) this.#failure ??= `a process of it ended with ${code ?? "a signal"} before it was ready`;
      this.#watch.changed();
    });
    send(host, order);
    await this.until("the agents of a process to be open", () => isReady);
  }

  #note(report: Exclude<FleetReport, { type: "ready" }>): void {
    switch (report.type) {
      case "connected":
        this.#connected.add(report.index);
        this.connections.push({ index: report.index, at: report.at });
        return;
      case "lost":
        this.#connected.delete(report.index);
        this.losses.push(report);
        return;
      case "failed":
        this.#failure ??= report.message;
        return;
      default:
        report satisfies never;
    }
  }

  async #end(how: (host: ChildProcess) => void): Promise<void> {
    const hosts = this.#hosts.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    this.#hosts = [];
    await Promise.all(
      hosts.map(async (host) => {
        const exited = once(host, "exit");
        how(host);
        await exited;
      }),
    );
  }
}

function send(host: ChildProcess, order: FleetOrder): void {
  host.send(order);
}
