/** Terminal sequences (CSI): colours and the like, which may stand in the middle of anything. */

export const ESC = 0x1b;

/** Nothing of what was asked for is here. */
export const NONE = -1;
/** More bytes will tell. */
export const INCOMPLETE = -2;

/** Longer ones are no sequences of a terminal. */
const SEQUENCE_MAX_BYTES = 64;

/**
 * Where the sequence that begins with the escape at `at` ends.
 * @returns `NONE` when it is none, `INCOMPLETE` when the bytes up to `length` do not tell
 */
export function sequenceEnd(data: Uint8Array, at: number, length: number): number {
  const last = Math.min(length, at + SEQUENCE_MAX_BYTES);
  if (at + 1 >= length) return INCOMPLETE;
  if (data[at + 1] !== 0x5b) return NONE;
  for (let index = at + 2; index < last; index++) {
    const byte = data[index] ?? 0;
    if (byte >= 0x40 && byte <= 0x7e) return index + 1;
    if (byte < 0x20 || byte > 0x3f) return NONE;
  }
  return last === length ? INCOMPLETE : NONE;
}
