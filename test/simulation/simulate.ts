/** One simulated execution: a random runbook, a schedule of whatever may happen, and then peace until it ends. */
import { walkBlocks } from "#protocol/blocks/index.ts";
import type { Plan } from "#protocol/plan.ts";
import { Agent, type Surroundings } from "./agent.ts";
import { Coordinator } from "./coordinator.ts";
import { LockService } from "./locks.ts";
import { Oracle } from "./oracle.ts";
import { Outside } from "./outside.ts";
import { answers, REQUESTER, whim } from "./people.ts";
import { Pool } from "./pool.ts";
import { Random } from "./random.ts";
import { randomPlan } from "./runbooks.ts";
import { Violation, World } from "./world.ts";

const SCHEDULE_MAX = 400;
/** More than any execution needs once nothing fails any more. */
const CALM_STEPS_MAX = 60_000;
/** How long everything may take to be let go after the end, ms. */
const LETTING_GO_MS = 3 * 60 * 60_000;

/** What one simulation is made of; the same gives the same, and less of it may fail as well. */
export interface Scenario {
  readonly seed: number;
  readonly plan: Plan;
  /** One number for each step: the chance that decides what happens in it. */
  readonly schedule: readonly number[];
  /** How much goes wrong, 0 to 1. */
  readonly trouble: number;
}

export interface Report {
  readonly violation?: { readonly rule: string; readonly message: string };
  readonly trace: readonly string[];
  readonly events: number;
}

export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed);
  const plan = randomPlan(random);
  const trouble = random.pick([0, 0.2, 0.5, 1]);
  const length = 20 + random.int(SCHEDULE_MAX - 20);
  const schedule = Array.from({ length }, () => random.int(2 ** 31));
  return { seed, plan, schedule, trouble };
}

/** Runs a scenario to its end, or to the first rule that does not hold. */
export function simulate(scenario: Scenario, traced = false): Report {
  const world = new World(scenario.seed, traced);
  let simulation: Simulation | undefined;
  try {
    simulation = new Simulation(scenario, world);
    simulation.run();
    return { trace: world.trace ?? [], events: simulation.events };
  } catch (error) {
    const rule = error instanceof Violation ? error.rule : "no exception";
    const message = error instanceof Violation ? error.message : wordsOf(error);
    return { violation: { rule, message }, trace: world.trace ?? [], events: simulation?.events ?? 0 };
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

class Simulation {
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #pool: Pool;
  readonly #locks: LockService;
  readonly #outside: Outside;
  /** The organization limits how many run at once. */
  readonly #limited: boolean;
  readonly #coordinator: Coordinator;
  readonly #agents: readonly Agent[];

  constructor(scenario: Scenario, world: World) {
    this.#scenario = scenario;
    this.#world = world;
    const { plan, seed } = scenario;
    const oracle = new Oracle(plan);
    this.#pool = new Pool(world);
    const crowd = new Random(seed ^ 0xc0de);
    this.#locks = new LockService(world, 1 + crowd.int(2));
    this.#limited = crowd.chance(0.2);
    this.#outside = new Outside(world, oracle);
    const neighbours = { pool: this.#pool, locks: this.#locks, outside: this.#outside };
    const origin = {
      ...{ planDigest: "digest", trigger: { type: "user" as const }, actor: REQUESTER },
      limited: this.#limited,
    };
    const reused = reusedOf(scenario);
    this.#coordinator = new Coordinator(plan, { ...origin, ...reused }, world, neighbours, oracle);
    for (const part of [this.#pool, this.#locks, this.#outside]) part.coordinator = this.#coordinator;
    const around: Surroundings = { world, oracle, plan, coordinator: this.#coordinator, pool: this.#pool };
    const random = new Random(seed ^ 0x5eed);
    this.#agents = Array.from({ length: 1 + random.int(4) }, (_, index) => {
      const zone = random.pick(["a", "b"]);
      return new Agent(`agent-${index}`, 1 + random.int(3), { zone }, around);
    });
    this.#pool.agents.push(...this.#agents);
    for (const agent of this.#agents) if (random.chance(0.8)) agent.dialControl();
  }

  get events(): number {
    return this.#coordinator.log.length;
  }

  run(): void {
    for (const seed of this.#scenario.schedule) {
      this.#world.random = new Random(seed);
      this.#step();
      this.#locks.verify();
    }
    this.#peace();
  }

  // --- Trouble ---

  #step(): void {
    const { trouble } = this.#scenario;
    const world = this.#world;
    const { random, messages } = world;
    const some = messages.length > 0 ? 1 : 0;
    const action = random.weighted({
      ...{ deliver: 60 * some, time: 22, person: 4 },
      ...{ drop: 4 * some * trouble, repeat: 4 * some * trouble, break: 2 * trouble, agent: 3 * trouble },
      ...{ coordinator: 3 * trouble, clock: trouble, load: 2, locks: 1 },
    });
    switch (action) {
      case "deliver":
        return world.deliver(this.#nextMessage());
      case "repeat":
        return world.deliver(random.int(messages.length), true);
      case "drop":
        return this.#drop(random.int(messages.length));
      case "time":
        return this.#passTime(random.chance(0.85) ? this.#nextTime() : world.now + random.int(90_000));
      case "person":
        return this.#person();
      case "break":
        return this.#break();
      case "agent":
        return this.#troubleAgent(random.pick(this.#agents));
      case "coordinator":
        return this.#troubleCoordinator();
      case "clock":
        this.#coordinator.clockOffset += random.pick([-3_600_000, -30_000, 30_000, 3_600_000]);
        return world.note(() => "! the coordinator's clock jumps");
      case "load":
        random.pick(this.#agents).otherBusy = random.int(3);
        return;
      case "locks":
        return this.#stranger();
      default:
        action satisfies never;
    }
  }

  /** Mostly the oldest message; within a socket mostly in order. */
  #nextMessage(): number {
    const { random, messages } = this.#world;
    if (random.chance(0.5)) return 0;
    const index = random.int(messages.length);
    const socket = messages[index]?.socket;
    if (!socket || random.chance(0.1 * this.#scenario.trouble)) return index;
    return messages.findIndex((message) => message.socket === socket);
  }

  /** On a socket nothing is lost alone, unless a proxy does it. */
  #drop(index: number): void {
    const world = this.#world;
    const socket = world.messages[index]?.socket;
    if (socket && world.random.chance(0.5)) world.break(socket);
    else world.drop(index);
  }

  #person(): void {
    const coordinator = this.#coordinator;
    const input = whim(coordinator.state, this.#world.random);
    this.#world.act(`somebody asks for ${JSON.stringify(input)}`, () => coordinator.decide(input));
  }

  #break(): void {
    const world = this.#world;
    const sockets = this.#agents.flatMap((agent) => [
      agent.control,
      ...[...agent.leases].map(({ socket }) => socket),
    ]);
    const open = sockets.filter((socket) => socket?.open);
    const socket = open.length > 0 ? world.random.pick(open) : undefined;
    if (socket) world.break(socket);
  }

  #troubleAgent(agent: Agent): void {
    if (!agent.up) return agent.restart();
    const what = this.#world.random.weighted({ start: 4, now: 4, disk: 1, revoke: 0.5, report: 1.5 });
    switch (what) {
      case "start":
        agent.diesAtStart = true;
        return;
      case "now":
        return agent.died();
      case "disk":
        return agent.wiped();
      case "revoke":
        return this.#pool.takeAll(agent);
      case "report":
        return this.#world.act("a report", () => this.#coordinator.confused(agent));
      default:
        what satisfies never;
    }
  }

  #troubleCoordinator(): void {
    const { random } = this.#world;
    const coordinator = this.#coordinator;
    const what = random.weighted({ evict: 3, now: 3, later: 4, alarm: 2 });
    if (what === "evict") coordinator.evict();
    else if (what === "now") coordinator.died();
    else if (what === "later") coordinator.diesAfter = random.int(3);
    else coordinator.alarmAt = undefined;
  }

  #stranger(): void {
    const { random } = this.#world;
    const name = random.pick(["alpha", "beta"]);
    const mode = random.chance(0.5) ? "shared" : "exclusive";
    const isRunner = this.#limited && random.chance(0.5);
    this.#locks.stranger(isRunner ? [] : [{ name, mode }], isRunner, random.int(120_000));
  }

  // --- Time ---

  #nextTime(): number {
    return Math.min(this.#world.nextTimerAt, this.#coordinator.dueAt);
  }

  /** Does the first thing that is due until then, or lets time go on if nothing is. */
  #passTime(until: number): void {
    const world = this.#world;
    const timer = world.nextTimerAt;
    const alarm = this.#coordinator.dueAt;
    if (alarm <= until && alarm <= timer) {
      world.advance(alarm);
      return world.act("alarm", () => this.#coordinator.alarm());
    }
    if (timer <= until) return world.fire();
    world.advance(until);
  }

  // --- Peace ---

  /** Nothing fails any more, and every execution ends (G5). */
  #peace(): void {
    const world = this.#world;
    world.note(() => "peace");
    world.calm = true;
    this.#coordinator.diesAfter = undefined;
    const helpful = world.seed % 2 === 0;
    for (const agent of this.#agents) {
      agent.diesAtStart = false;
      agent.otherBusy = 0;
      agent.restart();
      agent.dialControl();
    }
    let steps = 0;
    while (!this.#coordinator.state.end) {
      if (++steps > CALM_STEPS_MAX)
        throw new Violation("G5", `still ${this.#coordinator.state.state} in peace`);
      this.#calmly(steps, helpful);
    }
    this.#letGo();
  }

  #calmly(step: number, helpful: boolean): void {
    const world = this.#world;
    world.random = new Random(step);
    const coordinator = this.#coordinator;
    if (world.messages.length > 0) world.deliver(0);
    else {
      const [answer] = helpful ? answers(coordinator.state, world.random) : [];
      if (answer && step % 5 === 0) world.act("an answer", () => coordinator.decide(answer));
      else if (helpful && coordinator.state.paused) {
        world.act("a resume", () => coordinator.decide({ type: "resume", actor: REQUESTER }));
      } else this.#passTime(this.#nextTime());
    }
    this.#locks.verify();
  }

  /** After the end nothing is held and nothing runs on. */
  #letGo(): void {
    const world = this.#world;
    const until = world.now + LETTING_GO_MS;
    while (world.now < until && !this.#isQuiet()) {
      if (world.messages.length > 0) world.deliver(0);
      else this.#passTime(this.#nextTime());
    }
    this.#coordinator.rules.finished(this.#coordinator.log);
    if (!this.#pool.isIdle) throw new Violation("let go", "the pool keeps a lease");
    if (!this.#locks.isFree) throw new Violation("let go", "a lock is kept");
    if (!this.#outside.isQuiet) throw new Violation("let go", "a child execution goes on");
    const busy = this.#agents.find((agent) => [...agent.leases].length > 0);
    if (busy) throw new Violation("let go", `${busy.id} keeps a lease`);
  }

  #isQuiet(): boolean {
    const idle = this.#agents.every((agent) => [...agent.leases].length === 0);
    return idle && this.#pool.isIdle && this.#locks.isFree && this.#outside.isQuiet;
  }
}

/** Some executions take over what an earlier one came to. */
function reusedOf({ plan, seed }: Scenario) {
  const random = new Random(seed ^ 0x0dd);
  if (!random.chance(0.1)) return {};
  const names = [...walkBlocks(plan.blocks)].filter(({ depth }) => depth === 0).map(({ block }) => block.id);
  const reused = Object.fromEntries(names.filter(() => random.chance(0.5)).map((id) => [id, { n: 1 }]));
  return {
    taken: { reused, expanded: {}, doneOn: {} },
    lineage: { executionId: "exe_0", mode: "failed" as const },
  };
}
