/** What people hand to a command, as a file, a pipe or through stdin: read whole, and never without end. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { EXIT, Failure } from "./failure.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const PART_BYTES = 64 * KIB;

/** Files that people write: a policy, which providers give secrets. */
export const WRITTEN_MAX_BYTES = 256 * KIB;
/** Certificates: all that an operating system brings take a quarter of it. */
export const CERTIFICATES_MAX_BYTES = 1 * MIB;

export interface Bounds {
  /** What it is, for people. */
  what: string;
  maxBytes: number;
}

/** A whole file; a pipe will do, and is waited for. @throws Failure (2) when there is more; the system's error */
export function readBounded(path: string, bounds: Bounds): Buffer {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    return readOpen(fd, bounds);
  } finally {
    closeSync(fd);
  }
}

/** The same of a regular file: of a pipe, which might wait for ever, a Failure (2). */
export function readBoundedRegularFile(path: string, bounds: Bounds): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) throw new Failure(`${bounds.what} is not a file`, EXIT.usage);
    return readOpen(fd, bounds);
  } finally {
    closeSync(fd);
  }
}

function readOpen(fd: number, bounds: Bounds): Buffer {
  const parts: Buffer[] = [];
  for (let length = 0; ; ) {
    const part = Buffer.allocUnsafe(PART_BYTES);
    const count = readSync(fd, part, 0, part.length, null);
    if (count === 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, count));
    length += count;
    requireWithin(length, bounds);
  }
}

/** All that comes out of a stream. @throws Failure (2) when there is more; the system's error */
export async function collectBounded(stream: AsyncIterable<Buffer>, bounds: Bounds): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream) {
    parts.push(part);
    length += part.length;
    requireWithin(length, bounds);
  }
  return Buffer.concat(parts);
}

function requireWithin(length: number, { what, maxBytes }: Bounds): void {
  if (length <= maxBytes) return;
  const size = maxBytes < MIB ? `${maxBytes / KIB} KiB` : `${maxBytes / MIB} MiB`;
  throw new Failure(`${what} is over ${size}, the most that is read: give a smaller one`, EXIT.usage);
}
