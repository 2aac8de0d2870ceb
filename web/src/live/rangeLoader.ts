/**
 * Reads what was not streamed: looks at the rows on the screen, asks the server
 * for the first that is missing, one request at a time, until none is.
 */
import { decodeOutputFrame } from "#protocol/viewer.ts";
import type { LogStore } from "./logStore.ts";
import { Notifier, type Schedule } from "./notifier.ts";

/** Output frames in a row, from the chunk that holds `line`, about `bytes` of them. */
export type ReadRange = (line: number, bytes: number, signal: AbortSignal) => Promise<Uint8Array>;

const RANGE_BYTES = 512 * 1024;
/** Rows around the screen that are read along. */
const MARGIN = 200;

export class RangeLoader {
  private readonly store: LogStore;
  private readonly attempt: number;
  private readonly read: ReadRange;
  private readonly notifier: Notifier;
  private readonly abort = new AbortController();
  private rows = { from: 0, to: 0 };
  private busy = false;
  private failed = false;

  constructor(store: LogStore, attempt: number, read: ReadRange, schedule: Schedule) {
    this.store = store;
    this.attempt = attempt;
    this.read = read;
    this.notifier = new Notifier(schedule);
  }

  subscribe = (listener: () => void): (() => void) => this.notifier.subscribe(listener);

  /** True after a range could not be read; nothing more is asked until `retry`. */
  getFailed = (): boolean => this.failed;

  /** These rows are on the screen now. */
  look(from: number, to: number): void {
    this.rows = { from, to };
    this.store.lookAt(Math.floor((from + to) / 2));
    void this.fill();
  }

  retry(): void {
    this.failed = false;
    this.notifier.notify();
    void this.fill();
  }

  /** Reads everything there is, for copying or searching. @throws what the request throws, or when aborted. */
  async readAll(signal?: AbortSignal): Promise<void> {
    const until = signal ? AbortSignal.any([this.abort.signal, signal]) : this.abort.signal;
    for (let gap = this.next(0, Infinity); gap; gap = this.next(0, Infinity)) {
      until.throwIfAborted();
      await this.readOne(gap, until);
    }
  }

  close(): void {
    this.abort.abort();
  }

  private next(from: number, to: number) {
    return this.store.missing(from, to);
  }

  private async fill(): Promise<void> {
    if (this.busy || this.failed) return;
    this.busy = true;
    try {
      while (!this.abort.signal.aborted) {
        const { from, to } = this.rows;
        const gap = this.next(from, to) ?? this.next(from - MARGIN, to + MARGIN);
        if (!gap) return;
        await this.readOne(gap, this.abort.signal);
      }
    } catch {
      if (!this.abort.signal.aborted) {
        this.failed = true;
        this.notifier.notify();
      }
    } finally {
      this.busy = false;
    }
  }

  private async readOne(gap: { line: number; ask: number }, signal: AbortSignal): Promise<void> {
    const bytes = await this.read(gap.ask, RANGE_BYTES, signal);
    let news = false;
    for (let at = 0; at < bytes.length; ) {
      const frame = decodeOutputFrame(bytes.subarray(at));
      at += frame.frameBytes;
      const { attempt, stream, payload } = frame.chunk;
      // The server answers with the newest, and the step may run again before that is known here.
      if (attempt !== this.attempt) throw new Error(`this is the output of another attempt, ${attempt}`);
      news = this.store.add({ position: frame.position, line: frame.line, stream, payload }) || news;
    }
    if (!news) this.store.settle(gap.line);
  }
}
