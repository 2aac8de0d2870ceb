/**
 * Finds forms of secrets in bytes. A form stands at a byte when reading on from
 * there spells it, where terminal sequences and carriage returns are passed
 * over, and line breaks too in forms that programs wrap. Where that may be is
 * the filter's to say; here it is compared.
 */

import { Filter } from "./filter.ts";
import { type Form, GRAM_BYTES, REDACT_MIN_BYTES } from "./forms.ts";
import { ESC, INCOMPLETE, NONE, sequenceEnd } from "./sequences.ts";

const CR = 0x0d;
const LF = 0x0a;

/** What may stand between the bytes of a form is bounded, so that what is held back is. */
const SPAN_FACTOR = 16;
const SPAN_EXTRA_BYTES = 1_024;
/** Of the first four bytes. Else a step could have all it prints held back, and looked through again and again. */
const GRAM_SPAN_BYTES = 256;

/**
 * What comes behind the bytes that are looked through: more, or nothing. Of a
 * stream that breaks off, what has begun counts as a form once it is long
 * enough to tell; of a text that is complete it does not.
 */
export type Ending = "more" | "breaks off" | "complete";

export interface Hit {
  start: number;
  end: number;
  name: string;
}

export interface Found {
  /** In order of their starts; they may overlap. */
  hits: Hit[];
  /** Where the first thing begins that may become a form with more bytes; the length when nothing does. */
  hold: number;
}

export class Matcher {
  /** By their first four bytes. */
  readonly #buckets = new Map<number, Form[]>();
  /** The first one, two or three bytes of forms, with how many they are in the top byte. */
  readonly #beginnings = new Set<number>();
  /** Made when it is needed: of all forms at once. */
  #filter: Filter | undefined;

  add(forms: Iterable<Form>): void {
    for (const form of forms) {
      let key = 0;
      for (let length = 1; length <= GRAM_BYTES; length++) {
        key = (key << 8) | (form.bytes[length - 1] ?? 0);
        if (length < GRAM_BYTES) this.#beginnings.add((length << 24) | key);
      }
      const bucket = this.#buckets.get(key);
      if (bucket) bucket.push(form);
      else this.#buckets.set(key, [form]);
    }
    this.#filter = undefined;
  }

  /** Looks through the first `length` bytes. */
  scan(data: Uint8Array, length: number, ending: Ending): Found {
    const found: Found = { hits: [], hold: length };
    this.#filter ??= new Filter([...this.#buckets.values()].flat());
    const bytes = Buffer.from(data.buffer, data.byteOffset, length);
    this.#filter.search(bytes, (place) => this.#consider(data, length, place, ending, found));
    return found;
  }

  /** Looks at the forms that may stand at a byte. */
  #consider(data: Uint8Array, length: number, start: number, ending: Ending, found: Found): void {
    let key = 0;
    let count = 0;
    let at = start;
    while (count < GRAM_BYTES) {
      const inside = count > 0 && data[at] === ESC;
      if (inside && (at - start > GRAM_SPAN_BYTES || !this.#beginnings.has((count << 24) | key))) return;
      const sequence = inside ? sequenceEnd(data, at, length) : NONE;
      if (at >= length || sequence === INCOMPLETE) {
        if (ending === "more" && count > 0 && this.#beginnings.has((count << 24) | key)) {
          found.hold = Math.min(found.hold, start);
        }
        return;
      }
      if (sequence !== NONE) at = sequence;
      else {
        key = (key << 8) | (data[at] ?? 0);
        count++;
        at++;
      }
    }
    let hit: Hit | undefined;
    let shortest = Number.POSITIVE_INFINITY;
    for (const form of this.#buckets.get(key) ?? []) {
      const { end, matched } = follow(data, length, start, at, form);
      if (end === INCOMPLETE && ending === "more") found.hold = Math.min(found.hold, start);
      const isBroken = end === INCOMPLETE && ending === "breaks off" && matched >= REDACT_MIN_BYTES;
      const reached = isBroken ? length : end;
      if (reached < 0) continue;
      hit ??= { start, end: reached, name: form.name };
      hit.end = Math.max(hit.end, reached);
      // The one that is complete first gives the name, however the bytes arrive.
      if (reached < shortest) hit.name = form.name;
      shortest = Math.min(shortest, reached);
    }
    if (hit) found.hits.push(hit);
  }
}

/** Compares the rest of a form whose first bytes stand before `at`. */
function follow(
  data: Uint8Array,
  length: number,
  start: number,
  from: number,
  { bytes, wraps }: Form,
): { end: number; matched: number } {
  const limit = start + bytes.length * SPAN_FACTOR + SPAN_EXTRA_BYTES;
  let matched = GRAM_BYTES;
  let at = from;
  while (matched < bytes.length) {
    if (at >= length) return { end: INCOMPLETE, matched };
    if (at > limit) return { end: NONE, matched };
    const byte = data[at];
    const sequence = byte === ESC ? sequenceEnd(data, at, length) : NONE;
    if (sequence === INCOMPLETE) return { end: INCOMPLETE, matched };
    if (sequence !== NONE) at = sequence;
    else if (byte === bytes[matched]) {
      matched++;
      at++;
    } else if (byte === CR || (byte === LF && wraps)) at++;
    else return { end: NONE, matched };
  }
  return { end: at, matched };
}
