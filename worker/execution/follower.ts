import { jsonBytes } from "#protocol/json.ts";
import type { ExecutionStore, LogRow } from "./store.ts";

/** How long a follower stays silent before it says that it is still there, ms. */
const KEEPALIVE_MS = 15_000;

/**
 * The log as it grows, for readers over plain HTTP: what is there, then what
 * comes, up to the terminal event. A reader that does not pull holds only its
 * place in the log.
 */
export class Follower {
  readonly #store: ExecutionStore;
  readonly #ended: () => boolean;
  readonly #waiting = new Set<() => void>();

  constructor(store: ExecutionStore, ended: () => boolean) {
    this.#store = store;
    this.#ended = ended;
  }

  /** Wakes every reader that is waiting for more. */
  notify(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Batches of rows; an empty batch means "still there". Ends after the terminal event. */
  async *follow(after: number, batchBytes: number): AsyncGenerator<LogRow[]> {
    let place = after;
    for (;;) {
      const batch = this.#read(place, batchBytes);
      const last = batch.at(-1);
      if (last) {
        place = last.seq;
        yield batch;
        if (last.type === "event" && last.event.type === "execution.finished") return;
      } else if (this.#ended()) {
        return;
      } else if (!(await this.#more())) {
        yield [];
      }
    }
  }

  /** Resolves when there is news, looked for whenever the log goes on, the execution has ended, or the time is over. */
  async until(isThere: () => boolean, withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!isThere() && !this.#ended()) {
      const left = deadline - Date.now();
      if (left <= 0 || !(await this.#more(left))) return;
    }
  }

  #read(after: number, batchBytes: number): LogRow[] {
    const batch: LogRow[] = [];
    let bytes = 0;
    for (const row of this.#store.rowsAfter(after)) {
      batch.push(row);
      bytes += row.type === "chunk" ? row.bytes : jsonBytes(row.event);
      if (bytes >= batchBytes) break;
      if (row.type === "event" && row.event.type === "execution.finished") break;
    }
    return batch;
  }

  /** True when something came, false when nothing did for a while. */
  #more(withinMs = KEEPALIVE_MS): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(wake);
        resolve(false);
      }, withinMs);
      this.#waiting.add(wake);
    });
  }
}
