/**
 * The output of one attempt as far as it is here: chunks by position, with gaps
 * where nothing was streamed or read yet. Bytes stay bytes; lines are built
 * when they are looked at. Memory is bounded: what is far from where the reader
 * looks is dropped again and comes back by range.
 *
 * Lines are counted as the server counts them: line feeds of both streams, in
 * the order of the log, from 0.
 */
import type { Stream } from "#protocol/chunk.ts";
import { LineBuilder, type LogLine } from "./logLine.ts";
import { Notifier, type Schedule } from "./notifier.ts";
import { advance, parsePayload, STREAM_START, type StreamState, sameStreamState } from "./streamState.ts";
import type { Piece } from "./terminal.ts";

/** A chunk with its place in the attempt, as frames carry it. */
export interface PlacedChunk {
  /** Bytes of the attempt before it, both streams. */
  position: number;
  /** Line feeds of the attempt before it, both streams. */
  line: number;
  stream: Stream;
  payload: Uint8Array;
}

interface Entry extends PlacedChunk {
  feeds: number;
  before: States;
  after: States;
}

type States = Readonly<Record<Stream, StreamState>>;

const START: States = { stdout: STREAM_START, stderr: STREAM_START };
const LF = 0x0a;
const HELD_MAX_BYTES = 64 * 1024 * 1024;
const PARSED_MAX = 48;
const BUILT_MAX = 4_000;
/** Chunks of one line that are looked through for its last carriage return. */
const RETURN_SEARCH = 8;

export class LogStore {
  private entries: Entry[] = [];
  private held = 0;
  private extent = { bytes: 0, lines: 0 };
  private focus = 0;
  private ended = false;
  private readonly settled = new Set<number>();
  private readonly parsed = new Map<Entry, Piece[]>();
  /** Lines that were looked at, the same object until they change: what makes rows cheap to render. */
  private readonly built = new Map<number, LogLine>();
  private readonly notifier: Notifier;
  private readonly heldMax: number;
  private changes = 0;

  constructor(schedule: Schedule, heldMax: number = HELD_MAX_BYTES) {
    this.notifier = new Notifier(schedule);
    this.heldMax = heldMax;
  }

  subscribe = (listener: () => void): (() => void) => this.notifier.subscribe(listener);

  /** Grows with every change; what React compares. */
  getVersion = (): number => this.changes;

  /** Bytes and line feeds that exist on the server, also where they are not here. */
  setExtent(bytes: number, lines: number): void {
    if (bytes <= this.extent.bytes && lines <= this.extent.lines) return;
    this.extent = { bytes: Math.max(bytes, this.extent.bytes), lines: Math.max(lines, this.extent.lines) };
    this.changed();
  }

  /** Nothing will follow: an unfinished character at the end becomes visible. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.built.clear();
    this.changed();
  }

  get bytes(): number {
    return this.extent.bytes;
  }

  /** Takes a chunk from the stream or from a range; one that is here already changes nothing. */
  add(chunk: PlacedChunk): boolean {
    const at = this.firstAtOrAfter(chunk.position);
    if (this.entries[at]?.position === chunk.position || chunk.payload.length === 0) return false;
    const entry: Entry = { ...chunk, feeds: countFeeds(chunk.payload), before: START, after: START };
    this.entries.splice(at, 0, entry);
    this.held += entry.payload.length;
    for (let line = entry.line; line <= entry.line + entry.feeds; line++) this.built.delete(line);
    this.carryStates(at);
    this.setExtent(entry.position + entry.payload.length, entry.line + entry.feeds);
    this.trim();
    this.changed();
    return true;
  }

  /** Rows to show, gaps included. */
  get lineCount(): number {
    const last = this.entries.at(-1);
    if (!last || last.position + last.payload.length < this.extent.bytes) {
      return this.extent.lines + (this.extent.bytes > 0 ? 1 : 0);
    }
    return this.extent.lines + (last.payload.at(-1) === LF ? 0 : 1);
  }

  /** Undefined when the line, or its beginning, is not here: see `missing`. */
  line(number: number): LogLine | undefined {
    const known = this.built.get(number);
    if (known) return known;
    const line = this.buildLine(number);
    if (this.built.size >= BUILT_MAX) this.built.clear();
    if (line) this.built.set(number, line);
    return line;
  }

  private buildLine(number: number): LogLine | undefined {
    const first = this.entryOfLine(number);
    const entry = this.entries[first];
    if (!entry || entry.line > number || !this.beginIsHere(first, number)) return undefined;
    const last = this.lastEntryOfLine(first, number);
    const builder = new LineBuilder();
    for (let i = this.startOfLine(first, last, number); i <= last; i++) {
      const part = this.entries[i] as Entry;
      const piece = this.pieces(part)[number - part.line];
      if (piece) builder.add(piece, part.stream);
      if (builder.full && last - i > RETURN_SEARCH) break;
    }
    if (last === this.entries.length - 1) this.addUnfinished(builder, number);
    return builder.build(number);
  }

  /** The first line in `[from, to)` that is not wholly here, and which line to ask the server for. */
  missing(from: number, to: number): { line: number; ask: number } | undefined {
    for (let number = Math.max(0, from); number < Math.min(to, this.lineCount); number++) {
      if (this.settled.has(number)) continue;
      const at = this.entryOfLine(number);
      const entry = this.entries[at];
      if (!entry || entry.line > number || !this.endIsHere(at, number)) {
        return { line: number, ask: Math.min(number, Math.max(0, this.extent.lines - 1)) };
      }
      // Its end is here, its beginning is in a chunk before: the line before is sure to bring it.
      if (!this.beginIsHere(at, number)) return { line: number, ask: Math.max(0, number - 1) };
    }
    return undefined;
  }

  /** A range read brought nothing new for this line: show what is here rather than ask forever. */
  settle(line: number): void {
    this.settled.add(line);
    this.changed();
  }

  /** Where the reader looks: what is far from it goes first when memory is short. */
  lookAt(line: number): void {
    this.focus = line;
  }

  private changed(): void {
    this.changes++;
    this.notifier.notify();
  }

  private firstAtOrAfter(position: number): number {
    return lowerBound(this.entries.length, (i) => (this.entries[i] as Entry).position >= position);
  }

  /** The first entry that reaches as far as this line. */
  private entryOfLine(number: number): number {
    return lowerBound(this.entries.length, (i) => {
      const entry = this.entries[i] as Entry;
      return entry.line + entry.feeds >= number;
    });
  }

  private follows(index: number): boolean {
    const previous = this.entries[index - 1];
    const entry = this.entries[index];
    return !!previous && !!entry && previous.position + previous.payload.length === entry.position;
  }

  private beginIsHere(index: number, number: number): boolean {
    const entry = this.entries[index] as Entry;
    return number > entry.line || entry.position === 0 || this.follows(index) || this.settled.has(number);
  }

  private endIsHere(first: number, number: number): boolean {
    const last = this.entries[this.lastEntryOfLine(first, number)] as Entry;
    return number < last.line + last.feeds || last.position + last.payload.length >= this.extent.bytes;
  }

  private lastEntryOfLine(first: number, number: number): number {
    let last = first;
    while (this.follows(last + 1) && (this.entries[last + 1] as Entry).line === number) last++;
    return last;
  }

  /** A progress line of many chunks shows its last state: begin at the last return, if it is near the end. */
  private startOfLine(first: number, last: number, number: number): number {
    for (let i = last; i > first && i > last - RETURN_SEARCH; i--) {
      const entry = this.entries[i] as Entry;
      if (this.pieces(entry)[number - entry.line]?.restarts) return i;
    }
    return first;
  }

  private addUnfinished(builder: LineBuilder, number: number): void {
    const last = this.entries.at(-1);
    if (!this.ended || !last || last.line + last.feeds !== number) return;
    for (const stream of ["stdout", "stderr"] as const) {
      const state = last.after[stream];
      if (state.pending.length === 0) continue;
      const span = { text: "\ufffd", style: state.terminal.style };
      builder.add({ spans: [span], restarts: false, returned: false }, stream);
    }
  }

  /** Gives the entry its states, and on to its followers until one begins as it was built. */
  private carryStates(from: number): void {
    for (let i = from; i < this.entries.length; i++) {
      const entry = this.entries[i] as Entry;
      const before = this.follows(i) ? (this.entries[i - 1] as Entry).after : START;
      if (i > from && (!this.follows(i) || sameStates(before, entry.before))) return;
      entry.before = before;
      entry.after = { ...before, [entry.stream]: advance(entry.payload, before[entry.stream]) };
      this.parsed.delete(entry);
      if (i > from) this.built.clear();
    }
  }

  private pieces(entry: Entry): Piece[] {
    const pieces = this.parsed.get(entry) ?? parsePayload(entry.payload, entry.before[entry.stream]).pieces;
    this.parsed.delete(entry);
    this.parsed.set(entry, pieces);
    if (this.parsed.size > PARSED_MAX) {
      const oldest = this.parsed.keys().next();
      if (!oldest.done) this.parsed.delete(oldest.value);
    }
    return pieces;
  }

  /** The newest entry stays: live output goes on from it. */
  private trim(): void {
    while (this.held > this.heldMax && this.entries.length > 2) {
      const front = Math.abs((this.entries[0] as Entry).line - this.focus);
      const beforeLast = this.entries.length - 2;
      const back = Math.abs((this.entries[beforeLast] as Entry).line - this.focus);
      const [dropped] = this.entries.splice(front >= back ? 0 : beforeLast, 1) as [Entry];
      this.held -= dropped.payload.length;
      this.parsed.delete(dropped);
      this.built.clear();
    }
  }
}

function sameStates(a: States, b: States): boolean {
  return sameStreamState(a.stdout, b.stdout) && sameStreamState(a.stderr, b.stderr);
}

function countFeeds(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) count++;
  return count;
}

/** The smallest index for which `reached` is true; `length` when there is none. */
function lowerBound(length: number, reached: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (reached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
