import type { NamedLock } from "#protocol/api/locks.ts";

export interface LockInTheWay {
  name: string;
  /** Empty when it is free, and somebody else has the next turn. */
  holders: NamedLock["holders"];
  /** How many wait before it. */
  ahead: number;
}

/** The locks that a step waits for; `step` is empty for the whole execution. Pure. */
export function locksInTheWay(
  locks: readonly NamedLock[],
  executionId: string,
  step: string,
): LockInTheWay[] {
  return locks.flatMap(({ name, holders, waiting }) => {
    const ahead = waiting.findIndex((each) => each.executionId === executionId && each.step === step);
    return ahead === -1 ? [] : [{ name, holders, ahead }];
  });
}
