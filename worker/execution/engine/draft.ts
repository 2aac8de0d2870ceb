import type { ExecutionEvent } from "#protocol/events.ts";
import { apply } from "./fold.ts";
import type { Decision, Effect, Moment } from "./inputs.ts";
import type { EngineState } from "./state.ts";

/** A decision in the making: each event takes hold at once, so what follows sees it. */
export class Draft {
  state: EngineState;
  readonly moment: Moment;
  readonly #events: ExecutionEvent[] = [];
  readonly #effects: Effect[] = [];

  constructor(state: EngineState, moment: Moment) {
    this.state = { ...state, steps: state.steps.fork() };
    this.moment = moment;
  }

  emit(event: ExecutionEvent): void {
    this.#events.push(event);
    this.state = apply(this.state, { time: this.moment.now, event });
  }

  ask(effect: Effect): void {
    this.#effects.push(effect);
  }

  decision(): Decision {
    return { events: this.#events, effects: this.#effects, state: this.state };
  }
}
