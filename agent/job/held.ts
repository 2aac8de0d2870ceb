import { wholeCharacters } from "#protocol/utf8.ts";

const FIRST_BYTES = 4 * 1024;

/** Bytes that wait to leave, copied into one buffer that is used again and again: output makes no garbage. */
export class HeldBytes {
  #buffer = new Uint8Array(0);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  add(part: Uint8Array): void {
    if (this.#end + part.length > this.#buffer.length) this.#makeRoom(part.length);
    this.#buffer.set(part, this.#end);
    this.#end += part.length;
  }

  /** The first bytes, at most `most`, as a view that is good until the next `add`; they stay held. */
  peek(most: number): Uint8Array {
    return this.#buffer.subarray(this.#start, Math.min(this.#start + most, this.#end));
  }

  /** Lets go of the first bytes. */
  skip(count: number): void {
    this.#start += count;
    if (this.#start >= this.#end) {
      this.#start = 0;
      this.#end = 0;
    }
  }

  /** Lets go of a character at the end that is not complete. @returns how many bytes that was */
  dropTornCharacter(): number {
    const torn = this.length - wholeCharacters(this.peek(this.length));
    this.#end -= torn;
    return torn;
  }

  /** Lets go of everything. @returns how many bytes that was */
  drop(): number {
    const { length } = this;
    this.skip(length);
    return length;
  }

  #makeRoom(bytes: number): void {
    const { length } = this;
    const held = this.peek(length);
    const fits = length + bytes <= this.#buffer.length;
    const target = fits
      ? this.#buffer
      : new Uint8Array(Math.max(FIRST_BYTES, this.#buffer.length * 2, length + bytes));
    target.set(held);
    this.#buffer = target;
    this.#start = 0;
    this.#end = length;
  }
}
