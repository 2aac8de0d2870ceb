/**
 * Output on the wire (rule OT1). A chunk is encoded once, by the agent: the
 * bytes it spools are the bytes it sends, the coordinator stores and viewers
 * get. Layout, big-endian:
 *
 *     0  u8   format, 1
 *     1  u8   stream: 1 stdout, 2 stderr
 *     2  u16  length of the step path
 *     4  u32  attempt, from 1
 *     8  u64  offset of the payload in its stream, bytes
 *    16  f64  time it was read, ms since the epoch by the agent's clock
 *    24  u32  length of the payload
 *    28  u32  CRC-32 of bytes 0–27, step path and payload
 *    32  step path, UTF-8
 *     …  payload
 */
import { CHUNK_MAX_BYTES } from "./limits.ts";

export const STREAMS = ["stdout", "stderr"] as const;
export type Stream = (typeof STREAMS)[number];

const FORMAT = 1;
const HEADER_BYTES = 32;
const CRC_OFFSET = 28;
const STEP_PATH_MAX_BYTES = 1024;
const STREAM_CODE = { stdout: 1, stderr: 2 } as const satisfies Record<Stream, number>;

/** Continues a CRC-32 (as zlib computes it) over more bytes; the codec brings none of its own. */
export type Crc32 = (bytes: Uint8Array, seed?: number) => number;

export interface ChunkHeader {
  step: string;
  attempt: number;
  stream: Stream;
  /** Where the payload begins in its stream, bytes. */
  offset: number;
  /** When the agent read it, ms since the epoch by its own clock. */
  time: number;
}

export interface Chunk extends ChunkHeader {
  payload: Uint8Array;
}

/** A frame that is not a chunk, or whose checksum does not fit: refuse it and ask again. */
export class ChunkError extends Error {
  override readonly name = "ChunkError";
}

/** Bytes that the encoded chunk takes beyond its payload. */
export function chunkOverhead(step: string): number {
  return HEADER_BYTES + new TextEncoder().encode(step).length;
}

/**
 * @param buffer used for the result when it is large enough, so that a busy sender makes no garbage
 * @throws ChunkError when the payload or the step path is over its limit.
 */
export function encodeChunk(
  chunk: Chunk,
  crc32: Crc32,
  buffer?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const path = new TextEncoder().encode(chunk.step);
  if (path.length > STEP_PATH_MAX_BYTES) throw new ChunkError("step path is too long");
  if (chunk.payload.length > CHUNK_MAX_BYTES) throw new ChunkError("payload is over 256 KiB");
  const length = HEADER_BYTES + path.length + chunk.payload.length;
  const frame = buffer && buffer.length >= length ? buffer.subarray(0, length) : new Uint8Array(length);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  view.setUint8(0, FORMAT);
  view.setUint8(1, STREAM_CODE[chunk.stream]);
  view.setUint16(2, path.length);
  view.setUint32(4, chunk.attempt);
  view.setBigUint64(8, BigInt(chunk.offset));
  view.setFloat64(16, chunk.time);
  view.setUint32(24, chunk.payload.length);
  frame.set(path, HEADER_BYTES);
  frame.set(chunk.payload, HEADER_BYTES + path.length);
  view.setUint32(CRC_OFFSET, checksum(frame, crc32));
  return frame;
}

/**
 * Reads one chunk from the start of `frame`. The payload is a view, not a copy.
 * Without `crc32` the checksum is not looked at (viewers get chunks that the
 * coordinator has already checked).
 * @throws ChunkError when the frame is cut short, foreign or corrupt.
 */
export function decodeChunk(frame: Uint8Array, crc32?: Crc32): Chunk & { frameBytes: number } {
  if (frame.length < HEADER_BYTES) throw new ChunkError("frame is shorter than a chunk header");
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint8(0) !== FORMAT) throw new ChunkError("unknown chunk format");
  const stream = STREAMS.find((name) => STREAM_CODE[name] === view.getUint8(1));
  if (!stream) throw new ChunkError("unknown output stream");
  const pathBytes = view.getUint16(2);
  const payloadBytes = view.getUint32(24);
  if (payloadBytes === 0) throw new ChunkError("chunk is empty");
  if (pathBytes > STEP_PATH_MAX_BYTES || payloadBytes > CHUNK_MAX_BYTES) {
    throw new ChunkError("chunk is over its size limit");
  }
  const end = HEADER_BYTES + pathBytes + payloadBytes;
  if (frame.length < end) throw new ChunkError("chunk is cut short");
  const whole = frame.subarray(0, end);
  if (crc32 && checksum(whole, crc32) !== view.getUint32(CRC_OFFSET)) {
    throw new ChunkError("checksum does not match");
  }
  const offset = view.getBigUint64(8);
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new ChunkError("offset is out of range");
  const time = view.getFloat64(16);
  if (!Number.isFinite(time)) throw new ChunkError("its time is no number");
  return {
    step: new TextDecoder().decode(frame.subarray(HEADER_BYTES, HEADER_BYTES + pathBytes)),
    attempt: view.getUint32(4),
    stream,
    offset: Number(offset),
    time,
    payload: frame.subarray(HEADER_BYTES + pathBytes, end),
    frameBytes: end,
  };
}

function checksum(frame: Uint8Array, crc32: Crc32): number {
  const header = crc32(frame.subarray(0, CRC_OFFSET));
  return crc32(frame.subarray(HEADER_BYTES), header) >>> 0;
}
