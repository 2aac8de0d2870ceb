import { type ExecutionEvent, executionEventSchema } from "#protocol/events.ts";
import { jsonBytes } from "#protocol/json.ts";
import { EVENT_MAX_BYTES } from "#protocol/limits.ts";
import { apply } from "./fold.ts";
import type { Decision, Effect, Moment } from "./inputs.ts";
import type { EngineState, StepRecord } from "./state.ts";

/** What is still to be done within a decision, in order: no deep chains of calls, however long the runbook. */
export type Task =
  /** A step has its turn. */
  | { do: "begin"; step: string }
  /** A step has ended: what comes after it? */
  | { do: "ended"; step: string }
  /** A step with lists inside it may begin more of them, or be done. */
  | { do: "continue"; step: string };

/** An event that could not be read back once it is stored: nothing that leads to it may be. */
export class UnreadableEvent extends Error {
  override readonly name = "UnreadableEvent";
  /** The step that it is about; undefined for one about the execution. */
  readonly step: string | undefined;

  constructor(event: ExecutionEvent, problem: string) {
    super(`"${event.type}" cannot be stored: ${problem}`);
    this.step = "step" in event ? event.step : undefined;
  }
}

/** @throws UnreadableEvent */
export function checkReadable(event: ExecutionEvent): void {
  const issue = executionEventSchema.safeParse(event).error?.issues[0];
  if (issue) throw new UnreadableEvent(event, `${issue.path.join(".").slice(0, 200)}: ${issue.message}`);
  if (jsonBytes(event) > EVENT_MAX_BYTES) {
    throw new UnreadableEvent(event, `it is over ${EVENT_MAX_BYTES / 1024} KiB`);
  }
}

/** A decision in the making: each event takes hold at once, so what follows sees it. */
export class Draft {
  state: EngineState;
  readonly moment: Moment;
  readonly tasks: Task[] = [];
  readonly #events: ExecutionEvent[] = [];
  readonly #effects: Effect[] = [];

  constructor(state: EngineState, moment: Moment) {
    this.state = {
      ...state,
      steps: state.steps.fork(),
      leases: state.leases.fork(),
      scopes: state.scopes.fork(),
      open: new Set(state.open),
      openLeases: new Set(state.openLeases),
    };
    this.moment = moment;
  }

  /** @throws UnreadableEvent and changes nothing */
  emit(event: ExecutionEvent): void {
    checkReadable(event);
    this.#events.push(event);
    this.state = apply(this.state, { time: this.moment.now, event });
  }

  ask(effect: Effect): void {
    this.#effects.push(effect);
  }

  step(path: string): StepRecord | undefined {
    return this.state.steps.get(path);
  }

  decision(): Decision {
    return { events: this.#events, effects: this.#effects, state: this.state };
  }
}

/** The state to keep: what the decision has changed is written into the tables it was forked from. */
export function settled({ state }: Decision): EngineState {
  return { ...state, steps: state.steps.merge(), leases: state.leases.merge(), scopes: state.scopes.merge() };
}
