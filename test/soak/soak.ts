/**
 * Fifty agents, a stream of executions and random trouble between them, for as
 * long as asked; then quiet, and the accounts.
 */
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { type Execution, executionSummarySchema } from "#protocol/api/executions.ts";
import { isExecutionTerminal } from "#protocol/states.ts";
import type { Client } from "../../scripts/lib/client.ts";
import { FrameProxy } from "../harness/frameProxy.ts";
import { World } from "../harness/system.ts";
import { TcpProxy } from "../harness/tcpProxy.ts";
import type { Tenant } from "../harness/tenant.ts";
import { Random } from "../simulation/random.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { Chaos, type Site, type Trouble } from "./chaos.ts";
import { balance, type Ledger } from "./ledger.ts";
import { executionsOf, storedOf } from "./read.ts";
import { procedures, RACKS, type Work } from "./work.ts";

export interface SoakOptions {
  minutes: number;
  agents: number;
  seed: number;
  /** Told how it goes, in a line now and then. */
  say(line: string): void;
}

export interface SoakReport {
  ledger: Ledger;
  troubles: Partial<Record<Trouble, number>>;
  /** How many executions ended in each state. */
  states: Record<string, number>;
}

/** Longer than the longest step, its cancel and every pause between reconnects take together. */
const SETTLE_MS = 240_000;
const START_EVERY_MS = 700;
const STRIKE_EVERY_MS = 1_200;
const ASK_EVERY_MS = 4_000;
const SAY_EVERY_MS = 15_000;

/** @throws when the system cannot be set up; what goes wrong in it is for the ledger */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const world = await World.start();
  const proxies: Array<{ close(): Promise<void> }> = [];
  try {
    return await new Soak(world, proxies, options).run();
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await world.close();
  }
}

class Soak {
  readonly #world: World;
  readonly #proxies: Array<{ close(): Promise<void> }>;
  readonly #options: SoakOptions;
  readonly #random: Random;
  readonly #acknowledged = new Acknowledgements();
  readonly #started = new Map<string, Work>();
  readonly #notes: string;

  constructor(world: World, proxies: Array<{ close(): Promise<void> }>, options: SoakOptions) {
    this.#world = world;
    this.#proxies = proxies;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#notes = world.newFolder("runs");
  }

  async run(): Promise<SoakReport> {
    const { minutes, say } = this.#options;
    const tenant = await this.#world.signUp();
    const sites = await this.#sites(tenant);
    const work = procedures(this.#random, this.#notes);
    const ids = await Promise.all(work.map(({ source }) => tenant.runbook(source)));
    const chaos = new Chaos(this.#world, sites, this.#random);
    const end = performance.now() + minutes * 60_000;
    say(
      `${sites.flatMap(({ agents }) => agents).length} agents are connected; ${minutes} minutes of trouble begin`,
    );
    await Promise.all([
      this.#every(START_EVERY_MS, end, () => this.#start(tenant.api, work, ids)),
      this.#every(STRIKE_EVERY_MS, end, async () => chaos.strike()),
      this.#every(ASK_EVERY_MS, end, () => this.#meddle(tenant.api)),
      this.#every(SAY_EVERY_MS, end, async () => say(`${this.#started.size} executions started`)),
    ]);
    await chaos.calm();
    say("quiet; waiting for everything to end");
    const { ledger, executions } = await this.#settle(tenant.api);
    return { ledger, troubles: chaos.count, states: countOf(executions.map(({ state }) => state)) };
  }

  /** A network for every rack, so that trouble meets some agents and not others. */
  async #sites(tenant: Tenant): Promise<Site[]> {
    const sites: Site[] = [];
    for (let rack = 0; rack < RACKS; rack++) {
      const frames = await FrameProxy.to(this.#world.port);
      const tcp = await TcpProxy.to(Number(new URL(frames.url).port));
      this.#proxies.push(tcp, frames);
      frames.listen((frame) => this.#acknowledged.note(frame));
      sites.push({ tcp, frames, agents: [] });
    }
    for (let index = 0; index < this.#options.agents; index++) {
      const site = sites[index % RACKS];
      if (!site) continue;
      const labels = { rack: String(index % RACKS) };
      const settings = { name: `agent-${index}`, url: site.tcp.url, labels, slots: 2 };
      site.agents.push(await this.#world.startAgent(tenant, settings));
    }
    return sites;
  }

  async #every(pauseMs: number, end: number, act: () => Promise<void>): Promise<void> {
    while (performance.now() < end) {
      await Promise.all([act(), wait(pauseMs)]);
    }
  }

  /** Starts an execution; asks again under the same key until there is an answer. */
  async #start(api: Client, work: readonly Work[], ids: readonly string[]): Promise<void> {
    const index = this.#random.int(work.length);
    const procedure = work[index];
    if (!procedure) return;
    const headers = { "idempotency-key": `soak-${this.#random.int(2 ** 31)}-${this.#started.size}` };
    const { id } = await persist(() =>
      api.call(executionSummarySchema, "POST", `/runbooks/${ids[index]}/executions`, { body: {}, headers }),
    );
    this.#started.set(id, procedure);
  }

  /** What people do meanwhile: cancel one, pause one and let it go on. Refusals are answers too. */
  async #meddle(api: Client): Promise<void> {
    const id = this.#random.pick([...this.#started.keys(), ""]);
    if (id === "") return;
    const ask = async (what: string) => {
      const response = await api
        .raw("POST", `/api/v1/executions/${id}/${what}`, { body: {} })
        .catch(() => undefined);
      await response?.body?.cancel();
    };
    if (this.#random.chance(0.3)) return ask("cancel");
    await ask("pause");
    await wait(1_500);
    await persist(() => ask("resume"));
  }

  /** Waits until the accounts are even, or for so long that they never will be. */
  async #settle(api: Client): Promise<{ ledger: Ledger; executions: Execution[] }> {
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      const executions = await executionsOf(api);
      const open = executions.filter(({ state }) => !isExecutionTerminal(state));
      if (open.length === 0 || performance.now() > deadline) {
        const ledger = await this.#balance(api, executions);
        const even = ledger.findings.length === 0 && ledger.acknowledgedBytes === ledger.storedBytes;
        if (even || performance.now() > deadline) return { ledger, executions };
      } else if (open.some(({ paused }) => paused)) {
        await Promise.all(
          open
            .filter(({ paused }) => paused)
            .map(({ id }) => api.raw("POST", `/api/v1/executions/${id}/resume`, { body: {} })),
        );
      }
      if (open.length > 0) this.#options.say(`${open.length} executions have not ended yet`);
      await wait(3_000);
    }
  }

  async #balance(api: Client, executions: readonly Execution[]): Promise<Ledger> {
    const stored = [];
    for (const execution of executions) stored.push(...(await storedOf(api, execution)));
    const runs = readFileSync(this.#notes, "utf8").split("\n").filter(Boolean);
    return balance({
      started: this.#started,
      executions,
      runs,
      acknowledged: this.#acknowledged.bytes,
      stored,
    });
  }
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Tries until it works: the control plane is away now and then. */
async function persist<T>(act: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await wait(200);
    }
  }
}
