/** An execution under the engine, driven by hand: for tests only. */
import type { Block, CommandBlock } from "#protocol/blocks/index.ts";
import type { ExecutionEvent, TakenOver } from "#protocol/events.ts";
import type { Plan } from "#protocol/plan.ts";
import { settled } from "./draft.ts";
import { create, engine } from "./engine.ts";
import type { TimedEvent } from "./fold.ts";
import type { Decision, Effect, EngineInput, Origin } from "./inputs.ts";
import { keepsFolder } from "./scopes.ts";
import type { EngineState, StepRecord } from "./state.ts";

const EMPTY = { bytes: 0, sha256: "0".repeat(64), cutBytes: 0 };
export const ACTOR = { type: "user", id: "usr_1", name: "Ada" } as const;

export function command(id: string, more: Partial<CommandBlock> = {}): CommandBlock {
  return { kind: "command", id, interpreter: "sh", script: "true", timeoutMs: 60_000, ...more };
}

export function planOf(blocks: Block[], more: Partial<Plan> = {}): Plan {
  return {
    schema: 1,
    organizationId: "org_1",
    runbookId: "rb_1",
    versionId: "rbv_1",
    versionNumber: 1,
    versionHash: "hash",
    title: "Test",
    parameters: {},
    target: { poolId: "pool_1", poolName: "default", labels: {} },
    blocks,
    nonce: "nonce",
    expiresAt: 1e12,
    ...more,
  };
}

/** What a retry begins with. */
export function takenOver(taken: Partial<TakenOver>): Pick<Origin, "taken"> {
  return { taken: { reused: {}, expanded: {}, doneOn: {}, ...taken } };
}

/** The state without what cannot be compared: tables as the lists of their entries. */
export function comparable(state: EngineState) {
  return {
    ...state,
    steps: [...state.steps.values()],
    leases: [...state.leases.values()],
    scopes: [...state.scopes.values()],
  };
}

type Outcome = Extract<EngineInput, { type: "step.finished" }>["outcome"];

/** One execution, its log, and everything it asked for. */
export class Run {
  now = 1_000;
  state: EngineState;
  readonly log: TimedEvent[] = [];
  readonly effects: Effect[] = [];
  readonly #ids = { lease: 0, execution: 0 };

  constructor(blocks: Block[], plan: Partial<Plan> = {}, origin: Partial<Origin> = {}) {
    const whole: Origin = { planDigest: "digest", trigger: { type: "user" }, actor: ACTOR, ...origin };
    const decision = create(planOf(blocks, plan), whole, this.moment());
    this.state = decision.state;
    this.#keep(decision);
  }

  moment() {
    return {
      now: this.now,
      newId: (kind: "lease" | "execution") => `${kind}-${++this.#ids[kind]}`,
      random: () => 0,
    };
  }

  #keep(decision: Decision): ExecutionEvent[] {
    this.log.push(...decision.events.map((event) => ({ time: this.now, event })));
    this.effects.push(...decision.effects);
    this.state = settled(decision);
    return decision.events;
  }

  /** Whether the agent that held a lease is to keep its folder. */
  keepsFolder(fence: number): boolean {
    const lease = this.state.leases.get(fence);
    return lease !== undefined && keepsFolder(this.state, lease);
  }

  input(input: EngineInput): ExecutionEvent[] {
    return this.#keep(engine(this.state, input, this.moment()));
  }

  at(now: number): ExecutionEvent[] {
    this.now = now;
    return this.input({ type: "tick" });
  }

  granted(fence = 1, agentId = "agt_1"): this {
    this.input({ type: "lease.granted", fence, agentId, agentName: agentId.replace("agt_", "agent-") });
    return this;
  }

  started(path: string, fence?: number): this {
    const step = this.step(path);
    const attempt = Math.max(step.attempt, 1);
    this.input({
      type: "step.started",
      step: path,
      attempt,
      fence: fence ?? step.fence ?? 1,
      pid: 7,
      agentTime: 0,
    });
    return this;
  }

  exited(path: string, exitCode = 0, fence?: number, values?: Record<string, string>): ExecutionEvent[] {
    return this.finished(path, { type: "exited", exitCode }, fence, values);
  }

  finished(
    path: string,
    outcome: Outcome,
    fence?: number,
    values?: Record<string, string>,
  ): ExecutionEvent[] {
    const step = this.state.steps.get(path);
    return this.input({
      type: "step.finished",
      step: path,
      attempt: Math.max(step?.attempt ?? 1, 1),
      fence: fence ?? step?.fence ?? 1,
      outcome,
      durationMs: 5,
      streams: { stdout: EMPTY, stderr: EMPTY },
      leakedOutput: false,
      values,
    });
  }

  step(path: string): StepRecord {
    const step = this.state.steps.get(path);
    if (!step) throw new Error(`no step ${path}`);
    return step;
  }

  /** The states of the steps that exist, by path. */
  states(): Record<string, string> {
    return Object.fromEntries([...this.state.steps.values()].map(({ path, state }) => [path, state]));
  }

  types(): string[] {
    return this.log.map(({ event }) => event.type);
  }

  /** What it asked for since the last look. */
  asked(): string[] {
    return this.effects.splice(0).map((effect) => effect.type);
  }
}
