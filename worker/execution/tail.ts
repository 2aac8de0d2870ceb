/** The end of an output, found from its end. Pure. */
import { OUTPUT_TAIL_MAX_BYTES } from "#protocol/limits.ts";

export interface TailWish {
  unit: "lines" | "bytes";
  count: number;
}

const LINE_FEED = 10;

/**
 * The last so many lines or bytes, at most `OUTPUT_TAIL_MAX_BYTES`. A line feed
 * at the very end ends the last line; it does not begin another one.
 * @param back the parts of the output, the last one first
 * @returns the parts of the tail, in their order
 */
export function tailOf(back: Iterable<Uint8Array>, { unit, count }: TailWish): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const most = unit === "bytes" ? Math.min(count, OUTPUT_TAIL_MAX_BYTES) : OUTPUT_TAIL_MAX_BYTES;
  let room = most;
  let feeds = 0;
  for (const part of back) {
    let begin = Math.max(0, part.length - room);
    if (unit === "lines") {
      if (count === 0) break;
      for (let at = part.length - 1; at >= begin; at--) {
        const isLast = room === most && at === part.length - 1;
        if (part[at] === LINE_FEED && !isLast && ++feeds === count) begin = at + 1;
      }
    }
    parts.unshift(part.subarray(begin));
    room -= part.length - begin;
    if (begin > 0 || room === 0 || feeds >= count) break;
  }
  return parts;
}
