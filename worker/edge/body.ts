/** What was read of a body. `broken`: the connection or the time limit ended it. */
export interface BoundedBody {
  bytes: Uint8Array;
  end: "whole" | "cut" | "broken";
}

/** Reads a body up to a limit, in bytes, and no further. */
export async function readBounded(
  stream: ReadableStream<Uint8Array> | null,
  limit: number,
): Promise<BoundedBody> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const read = (end: BoundedBody["end"]) => ({ bytes: joined(chunks, Math.min(length, limit)), end });
  if (!stream) return read("whole");
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return read("whole");
      chunks.push(value);
      length += value.byteLength;
      if (length > limit) {
        reader.cancel().catch(() => undefined);
        return read("cut");
      }
    }
  } catch {
    return read("broken");
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, length - at);
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
