/**
 * Where in some bytes forms of secrets may stand, without a look at most of
 * them: only words of four bytes a stride apart are looked up, in a set of the
 * words near the beginnings of forms.
 *
 * Why this misses no form: the first of those words that begins no sooner than
 * the form does begins at one of the next `stride` places, and the form is long
 * enough to hold all of it. So the word is in the set, unless a line break or a
 * carriage return stands in it that the form passes over. Then the four bytes
 * before that are of the form, and in the set. Breaks before the word change
 * nothing but that it stands nearer to the beginning. Terminal sequences can be
 * long: nothing is concluded from words behind an escape, and every place is
 * handed on whose word would be there.
 */
import { type Form, GRAM_BYTES } from "./forms.ts";
import { ESC } from "./sequences.ts";

const CR = 0x0d;
const LF = 0x0a;

/** A form begins with so many bytes in one piece, and so does what is looked up. */
const WORD_BYTES = GRAM_BYTES;

/** Larger ones save little of the search, and cost more where a word is found. */
const STRIDE_MAX = 24;

export class Filter {
  readonly #stride: number;
  /** Words at the first `stride` places of forms. */
  readonly #near: WordSet;
  /** Words at the first place of forms. */
  readonly #first: WordSet;

  constructor(forms: readonly Form[]) {
    const strides = forms.map(({ bytes }) => bytes.length - WORD_BYTES + 1);
    this.#stride = strides.reduce((least, stride) => Math.min(least, stride), STRIDE_MAX);
    this.#near = new WordSet(forms.length * this.#stride);
    this.#first = new WordSet(forms.length * WORD_BYTES);
    for (const { bytes } of forms) {
      const view = viewOf(bytes);
      this.#first.add(wordAt(view, 0));
      for (let length = 1; length < WORD_BYTES; length++) this.#first.add(cutWord(bytes, 0, length));
      for (let place = 0; place < this.#stride; place++) this.#near.add(wordAt(view, place));
    }
  }

  /** Hands on, once and in order, each place at which a form may stand or begin to, and few others. */
  search(bytes: Buffer, consider: (place: number) => void): void {
    const view = viewOf(bytes);
    for (let from = 0; from < bytes.length; ) {
      const found = bytes.indexOf(ESC, from);
      const end = found < 0 ? bytes.length : found;
      let at = this.#next(view, from + this.#stride - 1, end);
      for (; at + WORD_BYTES <= end; at = this.#next(view, at + this.#stride, end)) {
        const first = at - this.#stride + 1;
        if (this.#isOfNone(view, first, at)) continue;
        for (let place = first; place <= at; place++) {
          if (this.#first.has(wordAt(view, place))) consider(place);
        }
      }
      // Those whose word is cut off, and the escape itself.
      for (let place = at - this.#stride + 1; place <= end && place < bytes.length; place++) {
        const isWhole = place + WORD_BYTES <= end;
        const word = isWhole ? wordAt(view, place) : cutWord(bytes, place, Math.max(end, place + 1));
        if (this.#first.has(word)) consider(place);
      }
      from = end + 1;
    }
  }

  /** Goes on from the word at `at` to the first that is near a beginning or has a break in it, or does not end by `end`. */
  #next(view: DataView, at: number, end: number): number {
    const near = this.#near;
    const stride = this.#stride;
    const last = end - WORD_BYTES;
    let place = at;
    for (; place <= last; place += stride) {
      const word = wordAt(view, place);
      if (near.has(word) || hasControl(word)) break;
    }
    return place;
  }

  /** True when the word at `at`, which has something odd, is of no form that begins at `from` or later. */
  #isOfNone(view: DataView, from: number, at: number): boolean {
    if (this.#near.has(wordAt(view, at))) return false;
    let end = at;
    while (!isBreak(view, end)) if (++end === at + WORD_BYTES) return true;
    for (let place = end - 1, count = 0; place >= from; place--) {
      count = isBreak(view, place) ? 0 : count + 1;
      if (count === WORD_BYTES) return !this.#near.has(wordAt(view, place));
    }
    return true;
  }
}

/** A set that may say yes of a word that is not in it, as bits by hash. */
class WordSet {
  readonly #bits: Uint32Array;
  readonly #shift: number;

  /** @param size how many words will be in it, at most */
  constructor(size: number) {
    const log2 = Math.min(23, Math.max(10, Math.ceil(Math.log2(size * 32 + 1))));
    this.#bits = new Uint32Array(2 ** (log2 - 5));
    this.#shift = 32 - log2;
  }

  add(word: number): void {
    const bit = this.#bitOf(word);
    this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }

  has(word: number): boolean {
    const bit = this.#bitOf(word);
    return (((this.#bits[bit >>> 5] as number) >>> (bit & 31)) & 1) !== 0;
  }

  /** The upper bits of the product depend on all of the word. */
  #bitOf(word: number): number {
    return Math.imul(word, 0x9e3779b1) >>> this.#shift;
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function wordAt(view: DataView, place: number): number {
  return view.getInt32(place, true);
}

/** Stands for the one to three bytes up to `end`. */
function cutWord(bytes: Uint8Array, place: number, end: number): number {
  let word = end - place;
  for (let at = place; at < end; at++) word = (word << 8) | (bytes[at] as number);
  return word;
}

/** Whether one of its bytes is below 0x0e, as line breaks and carriage returns are, but few others. */
function hasControl(word: number): boolean {
  return ((word - 0x0e0e0e0e) & ~word & 0x80808080) !== 0;
}

function isBreak(view: DataView, place: number): boolean {
  const byte = view.getUint8(place);
  return byte === CR || byte === LF;
}
