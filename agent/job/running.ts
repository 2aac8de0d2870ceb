/** What runs on this host now, under whatever lease: a step has one attempt at a time (G2). */
import type { Attempt } from "./attempt.ts";

export interface RunningAttempt {
  attempt: Attempt;
  /** Resolves when it has its result. */
  done: Promise<void>;
}

export class Running {
  readonly #steps = new Map<string, Set<RunningAttempt>>();

  /** The attempts of a step that have no result yet. */
  of(executionId: string, step: string): RunningAttempt[] {
    return [...(this.#steps.get(keyOf(executionId, step)) ?? [])];
  }

  add(executionId: string, running: RunningAttempt): void {
    const key = keyOf(executionId, running.attempt.step);
    const all = this.#steps.get(key) ?? new Set();
    this.#steps.set(key, all.add(running));
    void running.done.finally(() => {
      all.delete(running);
      if (all.size === 0) this.#steps.delete(key);
    });
  }
}

function keyOf(executionId: string, step: string): string {
  return `${executionId}/${step}`;
}
