/**
 * The coordinator's SQLite, every statement of it in this one place: the
 * execution's record and one log. Events and output chunks share the log and its
 * sequence, so "everything after N" is one range read. Chunks are kept as the
 * agent encoded them.
 */
import { STREAMS, type Stream } from "#protocol/chunk.ts";
import { type ExecutionEvent, executionEventSchema, type RecordedEvent } from "#protocol/events.ts";
import { encodeOutputFrame } from "#protocol/viewer.ts";
import { ASSERTIONS_SCHEMA, spendAssertion } from "../identity/spentAssertions.ts";
import { log } from "../log.ts";
import type { AgentIdentity } from "../pool/contract.ts";
import type { CreateExecution, Tombstone } from "./contract.ts";
import type { TimedEvent } from "./engine/fold.ts";

const SCHEMA = `
  CREATE TABLE execution (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL, projected TEXT, tombstone TEXT,
    archive TEXT, dropped INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE log (
    seq INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    step TEXT, attempt INTEGER, stream TEXT, offset INTEGER,
    bytes INTEGER, position INTEGER, line INTEGER, lines INTEGER,
    body NOT NULL
  );
  CREATE INDEX log_events ON log (seq) WHERE step IS NULL;
  CREATE INDEX log_chunks ON log (step, attempt, position) WHERE step IS NOT NULL;
  ${ASSERTIONS_SCHEMA}
`;

/** Characters of events as JSON after which a page ends. */
const EVENTS_PAGE_LENGTH = 4 * 1024 * 1024;

const PARTYSERVER_NAME_KEY = "__ps_name";

/** The last sequence number that was given to what is not there any more. */
const DROPPED_HEAD_KEY = "dropped-head";

/** There that its cancel came before it; it is never to begin. */
const FORBIDDEN_KEY = "forbidden";

/** Since when it is being deleted for good. */
const PURGE_KEY = "purge";

/** What is held of one attempt's output. */
export interface HeldOutput {
  stdout: number;
  stderr: number;
  /** Both streams together: bytes and line feeds. */
  position: number;
  line: number;
}

export interface ChunkRow {
  type: "chunk";
  seq: number;
  step: string;
  attempt: number;
  stream: Stream;
  offset: number;
  /** Payload bytes. */
  bytes: number;
  position: number;
  line: number;
  /** Line feeds in the payload. */
  lines: number;
  /** The encoded chunk. */
  body: Uint8Array;
}

export type LogRow = ({ type: "event" } & RecordedEvent) | ChunkRow;

type SqlRow = Record<string, SqlStorageValue>;

export class ExecutionStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  #head: number | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  /** The record this coordinator was created with; null when it never was. */
  record(): CreateExecution | null {
    const exists = this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'execution'").toArray();
    if (exists.length === 0) return null;
    const row = this.#sql.exec<{ record: string }>("SELECT record FROM execution").one();
    // Written by `create` below from a typed value, by this class alone.
    return JSON.parse(row.record) as CreateExecution;
  }

  /** Runs the body in one transaction: all of it is stored, or none. */
  transaction<T>(body: () => T): T {
    return this.#storage.transactionSync(body);
  }

  create(record: CreateExecution, objectName: string): void {
    this.#sql.exec(SCHEMA);
    // PartyServer notes an object's name before its first socket; here it costs no commit of its own.
    this.#storage.kv.put(PARTYSERVER_NAME_KEY, objectName);
    this.#sql.exec("INSERT INTO execution (id, record) VALUES (1, ?)", JSON.stringify(record));
    this.#head = 0;
  }

  /** Of an execution that was canceled before it was created. */
  get isForbidden(): boolean {
    return this.#storage.kv.get<boolean>(FORBIDDEN_KEY) === true;
  }

  forbid(): void {
    this.#storage.kv.put(FORBIDDEN_KEY, true);
  }

  /** Counts an execution that was started under this one, once; false when there are so many already. */
  admitChild(executionId: string, max: number): boolean {
    this.#sql.exec("CREATE TABLE IF NOT EXISTS children (id TEXT PRIMARY KEY)");
    const isKnown = this.#sql.exec("SELECT 1 FROM children WHERE id = ?", executionId).toArray().length > 0;
    if (isKnown) return true;
    const count = integerOf(this.#sql.exec("SELECT COUNT(*) AS count FROM children").one().count);
    if (count >= max) return false;
    this.#sql.exec("INSERT INTO children (id) VALUES (?)", executionId);
    return true;
  }

  /** The last sequence number that the log has given out; 0 when none. */
  get head(): number {
    if (this.#head === undefined) {
      const last = integerOf(this.#sql.exec("SELECT COALESCE(MAX(seq), 0) AS head FROM log").one().head);
      this.#head = Math.max(last, this.#storage.kv.get<number>(DROPPED_HEAD_KEY) ?? 0);
    }
    return this.#head;
  }

  appendEvents(now: number, events: readonly ExecutionEvent[]): LogRow[] {
    const time = new Date(now).toISOString();
    return events.map((event) => {
      const seq = this.#next();
      this.#insertEvent(seq, now, event);
      return { type: "event", seq, time, event };
    });
  }

  /** Rows that are there already stay: taking back an archive may be begun again. */
  #insertEvent(seq: number, time: number, event: ExecutionEvent): void {
    const body = JSON.stringify(event);
    this.#sql.exec("INSERT OR IGNORE INTO log (seq, time, body) VALUES (?, ?, ?)", seq, time, body);
  }

  appendChunk(now: number, chunk: Omit<ChunkRow, "type" | "seq">): ChunkRow {
    const seq = this.#next();
    this.#insertChunk(seq, now, chunk);
    return { type: "chunk", seq, ...chunk };
  }

  #insertChunk(seq: number, time: number, chunk: Omit<ChunkRow, "type" | "seq">): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO log (seq, time, step, attempt, stream, offset, bytes, position, line, lines, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      seq,
      time,
      chunk.step,
      chunk.attempt,
      chunk.stream,
      chunk.offset,
      chunk.bytes,
      chunk.position,
      chunk.line,
      chunk.lines,
      chunk.body,
    );
  }

  #next(): number {
    this.#head = this.head + 1;
    return this.#head;
  }

  /** Every event with its time, for the fold; `damaged` is told of each that cannot be read. */
  *timedEvents(damaged: (seq: number) => void): Generator<TimedEvent> {
    for (const row of this.#sql.exec("SELECT seq, time, body FROM log WHERE step IS NULL ORDER BY seq")) {
      const event = parseEvent(row);
      if (event) yield { time: integerOf(row.time), event };
      else damaged(integerOf(row.seq));
    }
  }

  /** Events only, after a sequence number; fewer than asked for when they are large. */
  eventsAfter(after: number, limit: number): RecordedEvent[] {
    const rows = this.#sql.exec(
      "SELECT * FROM log WHERE step IS NULL AND seq > ? ORDER BY seq LIMIT ?",
      after,
      limit,
    );
    const events: RecordedEvent[] = [];
    let length = 0;
    for (const row of rows) {
      const event = toEvent(row);
      if (event) events.push(event);
      length += textOf(row.body).length;
      if (length >= EVENTS_PAGE_LENGTH) break;
    }
    return events;
  }

  /** Events and chunks after a sequence number, read lazily: stop iterating and no more is read. */
  *rowsAfter(after: number): Generator<LogRow> {
    for (const row of this.#sql.exec("SELECT * FROM log WHERE seq > ? ORDER BY seq", after)) {
      const read = toRow(row);
      if (read) yield read;
    }
  }

  /** The chunks of an attempt from the one on that holds a line, in order, read lazily. */
  *chunksFromLine(step: string, attempt: number, line: number): Generator<ChunkRow> {
    const rows = this.#sql.exec(
      `SELECT * FROM log INDEXED BY log_chunks
       WHERE step = ? AND attempt = ? AND line + lines >= ? ORDER BY position`,
      step,
      attempt,
      line,
    );
    for (const row of rows) yield toChunk(row);
  }

  /** The chunk of an attempt that holds a byte of its output, both streams counted. */
  chunkAt(step: string, attempt: number, position: number): ChunkRow | undefined {
    const row = this.#sql
      .exec(
        `SELECT * FROM log INDEXED BY log_chunks
         WHERE step = ? AND attempt = ? AND position <= ? ORDER BY position DESC LIMIT 1`,
        step,
        attempt,
        position,
      )
      .toArray()[0];
    const chunk = row && toChunk(row);
    return chunk && position < chunk.position + chunk.bytes ? chunk : undefined;
  }

  /** Chunks from the last one back, of everything or of one attempt, read lazily. */
  *chunksBack(of?: { step: string; attempt: number }): Generator<ChunkRow> {
    const rows = of
      ? this.#sql.exec(
          "SELECT * FROM log WHERE step = ? AND attempt = ? ORDER BY position DESC",
          of.step,
          of.attempt,
        )
      : this.#sql.exec("SELECT * FROM log WHERE step IS NOT NULL ORDER BY seq DESC");
    for (const row of rows) yield toChunk(row);
  }

  /** What is stored of an attempt's output, from the log itself. */
  held(step: string, attempt: number): HeldOutput {
    const held: HeldOutput = { stdout: 0, stderr: 0, position: 0, line: 0 };
    const rows = this.#sql.exec(
      `SELECT stream, SUM(bytes) AS bytes, SUM(lines) AS lines FROM log
       WHERE step = ? AND attempt = ? GROUP BY stream`,
      step,
      attempt,
    );
    for (const row of rows) {
      held[streamOf(row.stream)] = integerOf(row.bytes);
      held.position += integerOf(row.bytes);
      held.line += integerOf(row.lines);
    }
    return held;
  }

  /** Forgets an attempt's output, to be sent again whole (OT4): what is left of it would stand in the wrong places. */
  dropOutput(step: string, attempt: number): void {
    this.transaction(() => {
      // Viewers have seen these numbers: what comes again has to come after them.
      this.#storage.kv.put(DROPPED_HEAD_KEY, this.head);
      this.#sql.exec("DELETE FROM log WHERE step = ? AND attempt = ?", step, attempt);
    });
  }

  /** False when this assertion was already used (HS2). */
  spendAssertion(assertion: Pick<AgentIdentity, "jti" | "jtiExpiresAt">, now: number): boolean {
    return spendAssertion(this.#sql, assertion, now);
  }

  /** The manifest of the archive, once it is complete. */
  get archive(): string | undefined {
    const { archive } = this.#sql.exec("SELECT archive FROM execution").one();
    return typeof archive === "string" ? archive : undefined;
  }

  set archive(manifest: string) {
    this.#sql.exec("UPDATE execution SET archive = ?", manifest);
  }

  /** True while the log is only in the archive. False also for an execution that does not exist. */
  get isDropped(): boolean {
    const exists = this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'execution'").toArray();
    return exists.length > 0 && this.#sql.exec("SELECT dropped FROM execution").one().dropped === 1;
  }

  /** Forgets the log; the archive has it. */
  drop(): void {
    this.transaction(() => {
      this.#sql.exec("DELETE FROM log");
      this.#sql.exec("UPDATE execution SET dropped = 1");
    });
    this.#head = undefined;
  }

  /** Takes rows back from the archive, as they were. */
  restore(rows: Iterable<LogRow>): void {
    this.transaction(() => {
      for (const row of rows) {
        if (row.type === "chunk") this.#insertChunk(row.seq, 0, row);
        else this.#insertEvent(row.seq, Date.parse(row.time), row.event);
      }
    });
    this.#head = undefined;
  }

  /** The whole log is back. */
  restored(): void {
    this.#sql.exec("UPDATE execution SET dropped = 0");
  }

  /** The state that the index in D1 is known to have; undefined before the first time. */
  get projected(): string | undefined {
    const { projected } = this.#sql.exec("SELECT projected FROM execution").one();
    return typeof projected === "string" ? projected : undefined;
  }

  set projected(state: string) {
    this.#sql.exec("UPDATE execution SET projected = ?", state);
  }

  /** True once it was deleted; its log is still here. */
  get isRemoved(): boolean {
    return this.#sql.exec("SELECT tombstone FROM execution").one().tombstone !== null;
  }

  /** Set once it is being deleted for good, as it ended before this time, ms since the epoch. */
  get purgeFrom(): number | undefined {
    return this.#storage.kv.get<number>(PURGE_KEY);
  }

  set purgeFrom(endedBefore: number) {
    this.#storage.kv.put(PURGE_KEY, endedBefore);
  }

  /** Forgets everything: it never was. */
  async clear(): Promise<void> {
    await this.#storage.deleteAlarm();
    await this.#storage.deleteAll();
    this.#head = undefined;
  }

  /** The first word counts. */
  remove(tombstone: Tombstone): void {
    const sql = "UPDATE execution SET tombstone = coalesce(tombstone, ?)";
    this.#sql.exec(sql, JSON.stringify(tombstone));
  }
}

/** The frame in which a viewer gets this chunk. */
export function outputFrame(row: ChunkRow): Uint8Array<ArrayBuffer> {
  return encodeOutputFrame(row, row.body);
}

function toRow(row: SqlRow): LogRow | undefined {
  if (row.step !== null) return toChunk(row);
  const event = toEvent(row);
  return event && { type: "event", ...event };
}

function toEvent(row: SqlRow): RecordedEvent | undefined {
  const event = parseEvent(row);
  return event && { seq: integerOf(row.seq), time: new Date(integerOf(row.time)).toISOString(), event };
}

function toChunk(row: SqlRow): ChunkRow {
  return {
    type: "chunk",
    seq: integerOf(row.seq),
    step: textOf(row.step),
    attempt: integerOf(row.attempt),
    stream: streamOf(row.stream),
    offset: integerOf(row.offset),
    bytes: integerOf(row.bytes),
    position: integerOf(row.position),
    line: integerOf(row.line),
    lines: integerOf(row.lines),
    body: bytesOf(row.body),
  };
}

/** Undefined for what is damaged: the rest of the log is still worth reading. */
function parseEvent({ seq, body }: SqlRow): ExecutionEvent | undefined {
  try {
    return executionEventSchema.parse(JSON.parse(textOf(body)));
  } catch (error) {
    const problem = String(error instanceof Error ? error.message : error).slice(0, 200);
    log("error", "an event of the log cannot be read; it is left out", { seq, problem });
    return undefined;
  }
}

function integerOf(value: SqlStorageValue | undefined): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new Error("the log holds no number where one belongs: storage is damaged");
}

function textOf(value: SqlStorageValue | undefined): string {
  if (typeof value === "string") return value;
  throw new Error("the log holds no text where some belongs: storage is damaged");
}

function bytesOf(value: SqlStorageValue | undefined): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new Error("the log holds a chunk without bytes: storage is damaged");
}

function streamOf(value: SqlStorageValue | undefined): Stream {
  const stream = STREAMS.find((each) => each === value);
  if (stream) return stream;
  throw new Error("the log holds a chunk of no stream: storage is damaged");
}
