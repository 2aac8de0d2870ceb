import type { ExecutionEvent } from "#protocol/events.ts";
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

  emit(event: ExecutionEvent): void {
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
