/**
 * Fifty agents, a stream of executions and random trouble between them, for as
 * long as asked; then quiet, and the accounts.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type Execution, executionSummarySchema } from "#protocol/api/executions.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import type { Signer } from "#protocol/signatures/jws.ts";
import type { Client } from "../../scripts/lib/client.ts";
import type { Shutdown } from "../../scripts/lib/shutdown.ts";
import { registerSigner, signVersion } from "../harness/signer.ts";
import { World } from "../harness/system.ts";
import type { Tenant } from "../harness/tenant.ts";
import { Random } from "../simulation/random.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { Chaos, type Site, stopInTime } from "./chaos.ts";
import { Endpoint } from "./endpoint.ts";
import { SoakHost } from "./host.ts";
import { isBalanced, type Ledger, type Started } from "./ledger.ts";
import { scheduleOf, type Trouble } from "./schedule.ts";
import { SETTLE_MS, settle } from "./settle.ts";
import { procedures, RACKS, type Work } from "./work.ts";

export interface SoakOptions {
  minutes: number;
  agents: number;
  /** Decides which trouble comes when, and what is started in which order. */
  seed: number;
  /** Told how it goes, in a line now and then. */
  say(line: string): void;
}

export interface SoakReport {
  ledger: Ledger;
  troubles: Partial<Record<Trouble, number>>;
  /** How many executions ended in each state. */
  states: Record<string, number>;
  /** How many steps of agents ended in each way. */
  outcomes: Record<string, number>;
  /** Holds everything that is left of a soak which is not even. */
  folder: string;
}

/** What setting up, reading back and stopping may take beside that. */
const AROUND_MS = 600_000;
/** How long what is under way may take to notice that it is over. */
const END_MS = 60_000;
const START_EVERY_MS = 450;
const ASK_EVERY_MS = 2_000;
const SAY_EVERY_MS = 15_000;
/** People meddle with what was started lately: the rest has ended. */
const LATELY = 20;

/**
 * @param shutdown stops everything that was started, at the end and whenever it is asked to
 * @throws when the system cannot be set up, or the end is asked for; what goes wrong in it is for the ledger
 */
export async function soak(options: SoakOptions, shutdown: Shutdown): Promise<SoakReport> {
  const over = new AbortController();
  const world = await World.start();
  const soak = new Soak(world, options, AbortSignal.any([shutdown.signal, over.signal]));
  const running = soak.run();
  let keep = false;
  shutdown.add(async () => {
    over.abort();
    // Before anything is stopped: what is started afterwards would be left.
    await Promise.race([running.catch(() => {}), wait(END_MS, undefined, { ref: false })]);
    await soak.close();
    await world.close({ keep });
  });
  const mostMs = options.minutes * 60_000 + SETTLE_MS + AROUND_MS;
  const late = wait(mostMs, undefined, { ref: false }).then(() => {
    throw new Error(`the soak has not come to its end after ${Math.round(mostMs / 60_000)} minutes`);
  });
  const asked = shutdown.requested.then(() => {
    throw shutdown.signal.reason;
  });
  const report = await Promise.race([running, late, asked]);
  keep = !isBalanced(report.ledger);
  return report;
}

class Soak {
  readonly #world: World;
  readonly #options: SoakOptions;
  readonly #signal: AbortSignal;
  readonly #acknowledged = new Acknowledgements();
  readonly #started = new Map<string, Started>();
  readonly #notes: string;
  readonly #sites: Site[] = [];
  readonly #chaos: Chaos;
  #endpoint: Endpoint | undefined;

  /** @param signal nothing new is begun from then on */
  constructor(world: World, options: SoakOptions, signal: AbortSignal) {
    this.#world = world;
    this.#options = options;
    this.#signal = signal;
    this.#notes = world.newFolder("runs");
    this.#chaos = new Chaos(world, this.#sites, signal);
    writeFileSync(this.#notes, "");
  }

  async run(): Promise<SoakReport> {
    const { minutes, seed, say } = this.#options;
    this.#signal.throwIfAborted();
    const endpoint = await Endpoint.start();
    this.#endpoint = endpoint;
    const tenant = await this.#world.signUp();
    const author = await registerSigner(tenant, "author");
    const chosen = new Random(seed);
    const work = procedures(chosen, { notes: this.#notes, url: endpoint.url });
    const runbooks = new Map<Work, string>();
    for (const each of work) runbooks.set(each, await publish(tenant, each, author));
    await this.#settleIn(tenant, author);
    say(`${this.#members.length} agents are connected; ${minutes} minutes of trouble begin`);
    const schedule = scheduleOf(
      seed,
      minutes,
      this.#sites.map(({ members }) => members.length),
    );
    const lots = work.flatMap((each) => new Array<Work>(each.share * 4).fill(each));
    const meddling = new Random(seed);
    const end = performance.now() + minutes * 60_000;
    await Promise.all([
      this.#chaos.run(schedule),
      this.#every(START_EVERY_MS, end, () => this.#start(tenant.api, chosen.pick(lots), runbooks)),
      this.#every(ASK_EVERY_MS, end, () => this.#meddle(tenant.api, meddling)),
      this.#every(SAY_EVERY_MS, end, async () => say(`${this.#started.size} executions started`)),
    ]);
    say("quiet; waiting for everything to end");
    const { ledger, executions } = await settle({
      ...{ api: tenant.api, signal: this.#signal, say, problems: this.#chaos.problems },
      ...{ started: this.#started, notes: this.#notes, requests: endpoint.asked },
      acknowledged: this.#acknowledged.bytes,
      folders: [join(this.#world.folder, "data"), ...this.#members.map(({ agent }) => agent.stateDir)],
    });
    if (!isBalanced(ledger)) this.#writeLogs();
    return {
      ...{ ledger, troubles: this.#chaos.count, folder: this.#world.folder },
      states: countOf(executions.map(({ state }) => state)),
      outcomes: countOf(
        executions.flatMap(({ steps }) =>
          steps.flatMap(({ outcome }) => (outcome ? [wordFor(outcome)] : [])),
        ),
      ),
    };
  }

  /** Ends the trouble, and asks agents to stop in order, so that no step is left. */
  async close(): Promise<void> {
    await this.#chaos.calm();
    await Promise.allSettled(this.#members.map(({ agent }) => stopInTime(agent)));
    await this.#endpoint?.close();
  }

  get #members() {
    return this.#sites.flatMap(({ members }) => members);
  }

  /** A network for every rack, so that trouble meets some agents and not others. */
  async #settleIn(tenant: Tenant, author: Signer): Promise<void> {
    for (let rack = 0; rack < Math.min(RACKS, this.#options.agents); rack++) {
      const frames = await this.#world.frameProxy();
      const tcp = await this.#world.tcpProxy(Number(new URL(frames.url).port));
      frames.listen((frame) => this.#acknowledged.note(frame));
      this.#sites.push({ tcp, frames, members: [] });
    }
    for (let index = 0; index < this.#options.agents; index++) {
      const site = this.#sites[index % RACKS];
      if (!site) continue;
      this.#signal.throwIfAborted();
      const host = new SoakHost(this.#world.newFolder("host"), author);
      const agent = await this.#world.startAgent(tenant, {
        ...{ name: `agent-${index}`, slots: 4, labels: { rack: String(index % RACKS) } },
        ...{ url: site.tcp.url, folder: host.folder, env: host.environment() },
      });
      site.members.push({ agent, host });
    }
  }

  async #every(pauseMs: number, end: number, act: () => Promise<void>): Promise<void> {
    while (performance.now() < end) {
      this.#signal.throwIfAborted();
      await Promise.all([act(), wait(pauseMs)]);
    }
  }

  /** Starts an execution; asks again under the same key until there is an answer. */
  async #start(api: Client, work: Work, runbooks: ReadonlyMap<Work, string>): Promise<void> {
    const key = `soak-${this.#options.seed}-${this.#started.size}`;
    const path = `/runbooks/${runbooks.get(work)}/executions`;
    const call = { body: { parameters: { key } }, headers: { "idempotency-key": key } };
    const { id } = await this.#persist(() => api.call(executionSummarySchema, "POST", path, call));
    this.#started.set(id, { work, key });
  }

  /** What people do meanwhile: cancel one, pause one and let it go on. Refusals are answers too. */
  async #meddle(api: Client, random: Random): Promise<void> {
    const ids = [...this.#started.keys()].slice(-LATELY);
    if (ids.length === 0) return;
    const id = random.pick(ids);
    const ask = async (what: string) => {
      const response = await api
        .raw("POST", `/api/v1/executions/${id}/${what}`, { body: {} })
        .catch(() => undefined);
      await response?.body?.cancel();
    };
    if (random.chance(0.4)) return ask("cancel");
    await ask("pause");
    await wait(1_500);
    await ask("resume");
  }

  /** Beside the agents, for whoever looks into it. */
  #writeLogs(): void {
    for (const { agent, host } of this.#members) {
      const lines = agent.log.map((line) => `${JSON.stringify(line)}\n`);
      writeFileSync(join(host.folder, "agent.log"), lines.join(""));
    }
  }

  /** Tries until it works: the control plane is away now and then. */
  async #persist<T>(act: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (performance.now() > deadline) throw error;
        this.#signal.throwIfAborted();
        await wait(200);
      }
    }
  }
}

/** @returns the runbook's id */
async function publish(tenant: Tenant, work: Work, author: Signer): Promise<string> {
  const body = { source: work.source };
  const runbook = await tenant.api.call(runbookSchema, "POST", "/runbooks", { body });
  if (!work.unsigned) await signVersion(tenant, runbook, author);
  return runbook.id;
}

type Outcome = NonNullable<Execution["steps"][number]["outcome"]>;

function wordFor(outcome: Outcome): string {
  if (outcome.type === "refused") return `refused (${outcome.code})`;
  return outcome.type === "stopped" ? `stopped (${outcome.reason})` : outcome.type;
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
