import { wholeCharacters } from "./utf8.ts";

/** Bytes that wait to leave, as the parts in which they came; joined only when they go. */
export class HeldBytes {
  #parts: Uint8Array[] = [];
  length = 0;

  add(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.length += part.length;
  }

  /** The first bytes in one piece, at most `most`; they stay held. */
  peek(most: number): Uint8Array {
    const wanted = Math.min(most, this.length);
    const first = this.#parts[0];
    if (first && first.length >= wanted) return first.subarray(0, wanted);
    return Buffer.concat(this.#parts, this.length).subarray(0, wanted);
  }

  /** Lets go of the first bytes. */
  skip(count: number): void {
    this.length -= count;
    for (let left = count; left > 0; ) {
      const first = this.#parts[0];
      if (!first) return;
      if (first.length > left) {
        this.#parts[0] = first.subarray(left);
        return;
      }
      left -= first.length;
      this.#parts.shift();
    }
  }

  /** Lets go of a character at the end that is not complete. @returns how many bytes that was */
  dropTornCharacter(): number {
    const all = this.peek(this.length);
    const whole = wholeCharacters(all);
    this.#parts = whole > 0 ? [all.subarray(0, whole)] : [];
    this.length = whole;
    return all.length - whole;
  }

  /** Lets go of everything. @returns how many bytes that was */
  drop(): number {
    const { length } = this;
    this.#parts = [];
    this.length = 0;
    return length;
  }
}
