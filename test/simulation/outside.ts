/** Requests from the edge and other executions, with an end that nobody can foresee. */
import type { AttemptOutcome } from "#protocol/data.ts";
import type { Effect, EngineInput } from "../../worker/execution/engine/inputs.ts";
import type { Coordinator } from "./coordinator.ts";
import type { Oracle, Run } from "./oracle.ts";
import { randomFor } from "./random.ts";
import type { World } from "./world.ts";

const REPEAT_MS = 60_000;

const OUTCOMES = {
  answered: { type: "answered", status: 200, expected: true },
  unanswered: { type: "unanswered", detail: "no connection" },
  /** It may have had an effect. */
  broken: { type: "unanswered", detail: "the connection was cut", sent: true },
} as const satisfies Record<string, AttemptOutcome>;

interface Child {
  readonly step: string;
  ended?: Extract<EngineInput, { type: "child.finished" }>;
  run?: Run;
}

export class Outside {
  coordinator: Coordinator | undefined;
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #children = new Map<string, Child>();
  readonly #attempts = new Map<string, number>();
  readonly #requests = new Set<Run>();

  constructor(world: World, oracle: Oracle) {
    this.#world = world;
    this.#oracle = oracle;
  }

  get isQuiet(): boolean {
    return [...this.#children.values()].every(({ ended }) => ended);
  }

  /** The coordinator makes the request itself: it dies with it. */
  request({ step, attempt }: Extract<Effect, { type: "edge.request" }>): void {
    const run = this.#oracle.starts(step, attempt, "the edge");
    // Whether it took effect is not known until it is answered, and nothing is left of it after.
    run.running = false;
    run.end = "unknown";
    this.#requests.add(run);
    const random = randomFor(this.#world.seed, step, attempt);
    const durationMs = random.int(30_000);
    const outcome = random.weighted({ answered: 18, unanswered: 1, broken: 1 });
    this.#world.after(durationMs, `the edge answers ${step}#${attempt}`, () => {
      if (!this.#requests.delete(run)) return;
      if (outcome !== "broken") run.end = "known";
      this.coordinator?.decide({
        ...{ type: "edge.finished", step, attempt, durationMs },
        outcome: OUTCOMES[outcome],
      });
    });
  }

  /** Nobody waits for its answer any more. */
  hangUp({ step, attempt }: Extract<Effect, { type: "edge.cancel" }>): void {
    for (const run of this.#requests) {
      if (run.step === step && run.attempt === attempt) this.#requests.delete(run);
    }
  }

  coordinatorDied(): void {
    this.#requests.clear();
  }

  startChild({ step, executionId }: Extract<Effect, { type: "child.start" }>): void {
    const known = this.#children.get(executionId);
    if (!known) this.#begin(step, executionId);
    else if (known.ended) return this.#report(executionId);
    this.#world.send(`${executionId} has started`, () =>
      this.coordinator?.decide({ type: "child.started", step, executionId }),
    );
  }

  #begin(step: string, executionId: string): void {
    const attempt = (this.#attempts.get(step) ?? 0) + 1;
    this.#attempts.set(step, attempt);
    const child: Child = { step, run: this.#oracle.starts(step, attempt, executionId) };
    this.#children.set(executionId, child);
    const random = randomFor(this.#world.seed, step, attempt);
    const state = random.weighted({ succeeded: 16, failed: 2, canceled: 1, timed_out: 1 });
    this.#world.after(random.int(60_000), `${executionId} ends`, () => this.#end(executionId, state));
    this.#watch(step, executionId);
  }

  /** A child asks whether it is still wanted: a cancel may be lost for good. */
  #watch(step: string, executionId: string): void {
    this.#world.after(REPEAT_MS, "", () => {
      if (this.#children.get(executionId)?.ended) return;
      this.#world.send(`${executionId}: still wanted?`, () => {
        if (this.coordinator?.wantsChild(step, executionId) === false) this.#end(executionId, "canceled");
      });
      this.#watch(step, executionId);
    });
  }

  #end(executionId: string, state: Extract<EngineInput, { type: "child.finished" }>["state"]): void {
    const child = this.#children.get(executionId);
    if (!child || child.ended) return;
    child.ended = { type: "child.finished", step: child.step, executionId, state };
    if (child.run) Object.assign(child.run, { running: false, end: "known" });
    this.#report(executionId);
  }

  /** Said again until it is heard, like every index entry. */
  #report(executionId: string): void {
    const ended = this.#children.get(executionId)?.ended;
    if (!ended) return;
    let heard = false;
    this.#world.send(`${executionId} ${ended.state}`, () => {
      this.coordinator?.decide(ended);
      heard = true;
    });
    this.#world.after(REPEAT_MS, "", () => {
      if (!heard) this.#report(executionId);
    });
  }

  cancelChild({ step, executionId }: Extract<Effect, { type: "child.cancel" }>): void {
    const child = this.#children.get(executionId);
    // One that has not begun never will.
    if (!child) this.#children.set(executionId, { step });
    else if (child.ended) return this.#report(executionId);
    this.#world.after(this.#world.random.int(10_000), `${executionId} is canceled`, () =>
      this.#end(executionId, "canceled"),
    );
  }
}
