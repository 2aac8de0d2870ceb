/**
 * Disk that the output of steps may take, all together. What a step may print
 * at most is set aside before it begins: one that could not be kept is refused
 * then (`spool_full`), and none that runs ever waits for the room of another.
 */
export class SpoolBudget {
  readonly #held = new Map<object, number>();

  /**
   * Bytes that nobody has set aside.
   * @param capBytes no limit but the disk's own when undefined
   */
  roomOf(capBytes = Number.POSITIVE_INFINITY): number {
    let held = 0;
    for (const bytes of this.#held.values()) held += bytes;
    return capBytes - held;
  }

  /** Sets aside so much for an attempt, instead of what was set aside for it before. */
  hold(attempt: object, bytes: number): void {
    this.#held.set(attempt, bytes);
  }

  release(attempt: object): void {
    this.#held.delete(attempt);
  }
}
