/** Waiting for what happens, not for time to pass. */

import { LONG, LONG_TIMEOUT_MS } from "./long.ts";

/** How long a test waits for anything before it fails with words, ms. */
const PATIENCE_MS = LONG ? LONG_TIMEOUT_MS : 30_000;

/** Something that changes; waiters look at it again at every change. */
export class Watch {
  readonly #looks = new Set<() => void>();

  changed(): void {
    for (const look of [...this.#looks]) look();
  }

  /**
   * Resolves with the first value of `look` that is neither undefined nor false.
   * @throws an error that says what was waited for, with `context` for the reader
   */
  until<T>(
    what: string,
    look: () => T | undefined | false,
    context: () => string = () => "",
    patienceMs: number = PATIENCE_MS,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.#looks.delete(check);
      };
      const check = () => {
        const value = look();
        if (value === undefined || value === false) return;
        done();
        resolve(value);
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`waited ${patienceMs / 1000} s in vain for ${what}\n${context()}`));
      }, patienceMs);
      this.#looks.add(check);
      check();
    });
  }
}
