/**
 * An execution's log as it is archived: segments of records, each segment
 * compressed with gzip and named in a manifest with its SHA-256. A record is
 *
 *     0  u8   1 event, 2 output
 *     1  u32  length of what follows, big-endian
 *     5  the event as JSON, or the output frame as viewers get it (`protocol/viewer.ts`)
 *
 * Version 1. Readers refuse versions they do not know; the format is described
 * in docs/execution.md, so that an archive can be read without Farhand.
 */
import { z } from "zod";
import { recordedEventSchema } from "#protocol/events.ts";
import { decodeOutputFrame, encodeOutputFrame, OUTPUT_FRAME_HEADER_BYTES } from "#protocol/viewer.ts";
import type { ChunkRow, LogRow } from "../store.ts";

export const ARCHIVE_SCHEMA = 1;

/** A segment is closed once it has this many bytes before compression: it is held in memory whole. */
export const SEGMENT_BYTES = 4 * 1024 * 1024;

const RECORD_HEADER_BYTES = 5;
const EVENT = 1;
const OUTPUT = 2;

export const manifestSchema = z.object({
  schema: z.literal(ARCHIVE_SCHEMA),
  executionId: z.string(),
  planDigest: z.string(),
  /** The last sequence number. */
  head: z.number().int(),
  segments: z.array(
    z.object({ key: z.string(), toSeq: z.number().int(), bytes: z.number().int(), sha256: z.string() }),
  ),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** The keys of one execution's objects begin with this. */
export function archivePrefix(organizationId: string, executionId: string): string {
  return `${organizationId}/executions/${executionId}/`;
}

/** One row of the log as a record. */
export function encodeRecord(row: LogRow): Uint8Array {
  const isEvent = row.type === "event";
  const body = isEvent
    ? new TextEncoder().encode(JSON.stringify({ seq: row.seq, time: row.time, event: row.event }))
    : encodeOutputFrame(row, row.body);
  const record = new Uint8Array(RECORD_HEADER_BYTES + body.length);
  const view = new DataView(record.buffer);
  view.setUint8(0, isEvent ? EVENT : OUTPUT);
  view.setUint32(1, body.length);
  record.set(body, RECORD_HEADER_BYTES);
  return record;
}

/**
 * The rows of a segment.
 * @throws Error when it is cut short or of another kind: the archive is damaged
 */
export function* decodeRecords(segment: Uint8Array): Generator<LogRow> {
  for (let at = 0; at < segment.length; ) {
    const view = new DataView(segment.buffer, segment.byteOffset + at);
    if (segment.length - at < RECORD_HEADER_BYTES) throw new Error("an archived segment is cut short");
    const end = at + RECORD_HEADER_BYTES + view.getUint32(1);
    if (end > segment.length) throw new Error("an archived segment is cut short");
    const body = segment.slice(at + RECORD_HEADER_BYTES, end);
    yield view.getUint8(0) === EVENT ? toEvent(body) : toChunk(body);
    at = end;
  }
}

function toEvent(body: Uint8Array): LogRow {
  return { type: "event", ...recordedEventSchema.parse(JSON.parse(new TextDecoder().decode(body))) };
}

function toChunk(body: Uint8Array): ChunkRow {
  const { seq, position, line, chunk, frameBytes } = decodeOutputFrame(body);
  const { step, attempt, stream, offset, payload } = chunk;
  const lines = payload.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0);
  const encoded = body.subarray(OUTPUT_FRAME_HEADER_BYTES, frameBytes);
  return {
    type: "chunk",
    seq,
    step,
    attempt,
    stream,
    offset,
    bytes: payload.length,
    position,
    line,
    lines,
    body: encoded,
  };
}
