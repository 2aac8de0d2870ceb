/**
 * What the agent has promised and done, on disk, so that a crash can be told
 * from a success (rules ST1, ST2). One line per record: CRC-32 in hex, a space,
 * JSON. Records are idempotent facts, folded into a small state; each start
 * and each mebibyte begins a new segment with that state at its head, and the
 * old segment goes. A line that is torn or damaged is left out. Where the disk
 * has no room for a new segment, the old one is carried on until there is.
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { errorCode, makePrivateDirectory, syncDirectory } from "../files.ts";
import { type Log, wordsOf } from "../log.ts";
import {
  applyRecord,
  emptyState,
  type JournalRecord,
  type JournalState,
  recordSchema,
  snapshotOf,
} from "./records.ts";

const SEGMENT_BYTES = 1024 * 1024;
const SEGMENT_NAME = /^(\d{10})\.log$/;

export class Journal {
  readonly #folder: string;
  readonly #log: Log;
  readonly state: JournalState;
  /** What there is on disk, oldest first; the last is being written. */
  #segments: number[];
  #fd = -1;
  #size = 0;
  #rotateAt = SEGMENT_BYTES;
  /** Callers that wait for the next flush; all of them share one. */
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #flushing = false;
  /** Descriptors of old segments that a flush may still be using. */
  #retired: number[] = [];

  /** Reads what is there and starts a fresh segment, if there is room for it. @throws when the folder cannot be written. */
  static open(folder: string, log: Log): Journal {
    makePrivateDirectory(folder);
    const segments = listSegments(folder);
    const state = emptyState();
    let damaged = 0;
    for (const segment of segments) {
      const { records, bad } = parseSegment(readFileSync(segmentPath(folder, segment), "utf8"));
      for (const record of records) applyRecord(state, record);
      damaged += bad;
    }
    if (damaged > 0) log.warn("left out damaged lines of the journal", { lines: damaged });
    return new Journal(folder, log, state, segments);
  }

  private constructor(folder: string, log: Log, state: JournalState, segments: number[]) {
    this.#folder = folder;
    this.#log = log;
    this.state = state;
    this.#segments = segments;
    if (!this.#rotated()) this.#carryOn();
  }

  /** Notes a fact. It survives the agent's death at once, a loss of power a little later. */
  append(record: JournalRecord): void {
    if (this.#size >= this.#rotateAt) this.#rotated();
    this.#write(encodeLine(record));
    applyRecord(this.state, record);
  }

  /** Notes a fact and resolves when it would survive a loss of power. Callers share flushes. */
  async appendDurably(record: JournalRecord): Promise<void> {
    this.append(record);
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#flush();
    });
  }

  close(): void {
    this.#retired.push(this.#fd);
    if (!this.#flushing) this.#closeRetired();
  }

  #write(line: string): void {
    this.#size += writeAll(this.#fd, line, this.#size);
  }

  #flush(): void {
    if (this.#flushing || this.#waiting.length === 0) return;
    const waiters = this.#waiting.splice(0);
    this.#flushing = true;
    fdatasync(this.#fd, (error) => {
      this.#flushing = false;
      this.#closeRetired();
      for (const { resolve, reject } of waiters) error ? reject(error) : resolve();
      this.#flush();
    });
  }

  #closeRetired(): void {
    for (const fd of this.#retired.splice(0)) closeSync(fd);
  }

  /**
   * Starts a segment with the whole state at its head, makes it durable, and drops the old ones.
   * @returns false when the disk does not take it; the next append tries again
   */
  #rotated(): boolean {
    const segment = (this.#segments.at(-1) ?? 0) + 1;
    const path = segmentPath(this.#folder, segment);
    let fd = -1;
    let size: number;
    try {
      fd = openSync(path, "w", 0o600);
      size = writeAll(fd, snapshotOf(this.state).map(encodeLine).join(""), 0);
      fdatasyncSync(fd);
      syncDirectory(this.#folder);
    } catch (error) {
      if (fd >= 0) closeSync(fd);
      rmSync(path, { force: true });
      if (this.#segments.length === 0) throw error;
      this.#log.warn("cannot start a new segment of the journal", { reason: wordsOf(error) });
      return false;
    }
    const old = this.#segments;
    this.#writeTo(fd, size);
    this.#segments = [segment];
    this.#rotateAt = SEGMENT_BYTES + size;
    for (const each of old) {
      try {
        unlinkSync(segmentPath(this.#folder, each));
      } catch (error) {
        this.#log.warn("cannot remove an old journal segment", { segment: each, code: errorCode(error) });
      }
    }
    return true;
  }

  /** Goes on after the last whole line of the newest segment: cutting needs no room. */
  #carryOn(): void {
    const path = segmentPath(this.#folder, this.#segments.at(-1) ?? 0);
    const size = readFileSync(path).lastIndexOf("\n") + 1;
    const fd = openSync(path, "r+");
    ftruncateSync(fd, size);
    this.#writeTo(fd, size);
    this.#rotateAt = size;
  }

  #writeTo(fd: number, size: number): void {
    if (this.#fd >= 0) this.#retired.push(this.#fd);
    if (!this.#flushing) this.#closeRetired();
    this.#fd = fd;
    this.#size = size;
  }
}

/** Writes at a position of its own: a write that failed half-way is overwritten, not followed. */
function writeAll(fd: number, text: string, position: number): number {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
  return bytes.length;
}

function segmentPath(folder: string, segment: number): string {
  return join(folder, `${String(segment).padStart(10, "0")}.log`);
}

function listSegments(folder: string): number[] {
  return readdirSync(folder)
    .map((name) => Number(SEGMENT_NAME.exec(name)?.[1] ?? Number.NaN))
    .filter((segment) => !Number.isNaN(segment))
    .sort((a, b) => a - b);
}

export function encodeLine(record: JournalRecord): string {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`;
}

/** Reads every line whose checksum and shape hold; `bad` counts the others. */
export function parseSegment(text: string): { records: JournalRecord[]; bad: number } {
  const records: JournalRecord[] = [];
  let bad = 0;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const record = parseLine(line);
    if (record) records.push(record);
    else bad++;
  }
  return { records, bad };
}

function parseLine(line: string): JournalRecord | undefined {
  const json = line.slice(9);
  if (line[8] !== " " || Number.parseInt(line.slice(0, 8), 16) !== crc32(json)) return undefined;
  try {
    const result = recordSchema.safeParse(JSON.parse(json));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
