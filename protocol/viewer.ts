/**
 * The viewer stream: ExecutionCoordinator → browser, over a WebSocket. A viewer
 * says from which sequence number it wants to see (VW1), and names the marks it
 * comes past, so that the server knows how far it has read (VW2); after the terminal event the stream ends (VW3).
 *
 * JSON frames are the messages below. Binary frames are output, big-endian:
 *
 *     0  f64  sequence number
 *     8  f64  bytes of this attempt, both streams, before this chunk
 *    16  f64  line feeds of this attempt, both streams, before this chunk
 *    24  the chunk as the agent encoded it (`chunk.ts`)
 */
import { z } from "zod";
import { executionProgressSchema, stepSchema } from "./api/executions.ts";
import { type Chunk, decodeChunk } from "./chunk.ts";
import { recordedEventSchema } from "./events.ts";
import { executionStateSchema } from "./states.ts";

export const OUTPUT_FRAME_HEADER_BYTES = 24;

export const viewerMessageSchema = z.discriminatedUnion("type", [
  /** Once on each socket. */
  z.strictObject({
    type: z.literal("subscribe"),
    /** Send what comes after this sequence number; 0 for everything. */
    after: z.number().int().nonnegative(),
    /**
     * `all`: every chunk. `tail`: of each attempt's past output only about the
     * last `bytes`; the rest is read by range. Live output always comes whole.
     */
    output: z.discriminatedUnion("mode", [
      z.strictObject({ mode: z.literal("all") }),
      z.strictObject({ mode: z.literal("tail"), bytes: z.number().int().nonnegative() }),
      z.strictObject({ mode: z.literal("none") }),
    ]),
  }),
  /** It has read everything up to this mark: the server may go on (VW2). */
  z.strictObject({ type: z.literal("seen"), mark: z.string().max(64) }),
]);

export const streamMessageSchema = z.discriminatedUnion("type", [
  /** Answers `subscribe`: how far the log reaches now. */
  z.strictObject({
    type: z.literal("ready"),
    head: z.number().int().nonnegative(),
    state: executionStateSchema,
  }),
  z.strictObject({ type: z.literal("event"), ...recordedEventSchema.shape }),
  /**
   * After events: the execution as it is now, and those of its steps that the
   * events were about. It replaces what was known of them; nothing has to be
   * worked out from events to show where an execution stands.
   */
  z.strictObject({
    type: z.literal("view"),
    execution: executionProgressSchema,
    steps: z.array(stepSchema),
  }),
  /** Among the frames every now and then; only who reads this far can name it in `seen`. */
  z.strictObject({ type: z.literal("mark"), mark: z.string() }),
  /** The last frame: nothing will ever come after `seq`. */
  z.strictObject({ type: z.literal("end"), seq: z.number().int() }),
  z.strictObject({ type: z.literal("error"), message: z.string() }),
]);

export type ViewerMessage = z.infer<typeof viewerMessageSchema>;
export type StreamMessage = z.infer<typeof streamMessageSchema>;

export interface OutputPosition {
  seq: number;
  /** Bytes of the attempt, both streams, before this chunk. */
  position: number;
  /** Line feeds of the attempt, both streams, before this chunk. */
  line: number;
}

/** Puts the position in front of an encoded chunk. */
export function encodeOutputFrame(at: OutputPosition, chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(OUTPUT_FRAME_HEADER_BYTES + chunk.length);
  const view = new DataView(frame.buffer);
  view.setFloat64(0, at.seq);
  view.setFloat64(8, at.position);
  view.setFloat64(16, at.line);
  frame.set(chunk, OUTPUT_FRAME_HEADER_BYTES);
  return frame;
}

/**
 * Reads one output frame from the start of `bytes`; `frameBytes` says where the
 * next one begins when several stand in a row (output read by range).
 * @throws ChunkError when it is cut short or foreign.
 */
export function decodeOutputFrame(bytes: Uint8Array): OutputPosition & { chunk: Chunk; frameBytes: number } {
  const { frameBytes, ...chunk } = decodeChunk(bytes.subarray(OUTPUT_FRAME_HEADER_BYTES));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    seq: view.getFloat64(0),
    position: view.getFloat64(8),
    line: view.getFloat64(16),
    chunk,
    frameBytes: OUTPUT_FRAME_HEADER_BYTES + frameBytes,
  };
}
