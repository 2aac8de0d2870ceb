/**
 * Finds forms of secrets in bytes, fast where there are none: a rolling hash
 * of the last four bytes is looked up in a bitmap of how forms begin, and only
 * where that hits is anything compared.
 *
 * A form stands at a byte when reading on from there spells it, where terminal
 * sequences and carriage returns are passed over, and line breaks too in forms
 * that programs wrap.
 */

import { type Form, GRAM_BYTES, REDACT_MIN_BYTES } from "./forms.ts";
import { ESC, INCOMPLETE, NONE, sequenceEnd } from "./sequences.ts";

const CR = 0x0d;
const LF = 0x0a;

/** The hash has five bits for each of four bytes. */
const HASH_MASK = (1 << 20) - 1;

/** The hash of three bytes, of which the fast way looks at every second one. */
const TRIPLE_MASK = (1 << 18) - 1;

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
  readonly #bitmap = new Uint32Array((HASH_MASK + 1) / 32);
  /** Of three bytes each: those that forms begin with, and those that follow the first byte. */
  readonly #triples = new Uint32Array((TRIPLE_MASK + 1) / 32);
  /** By their first four bytes. */
  readonly #buckets = new Map<number, Form[]>();
  /** The first one, two or three bytes of forms, with how many they are in the top byte. */
  readonly #beginnings = new Set<number>();
  /** Start and end of the terminal sequences that the scan has passed; those that touch are one. */
  readonly #passed: number[] = [];

  add(forms: Iterable<Form>): void {
    for (const form of forms) {
      let key = 0;
      let hash = 0;
      for (let length = 1; length <= GRAM_BYTES; length++) {
        const byte = form.bytes[length - 1] ?? 0;
        key = (key << 8) | byte;
        hash = ((hash << 5) ^ byte) & HASH_MASK;
        if (length < GRAM_BYTES) this.#beginnings.add((length << 24) | key);
      }
      const word = hash >>> 5;
      this.#bitmap[word] = (this.#bitmap[word] ?? 0) | (1 << (hash & 31));
      for (const at of [0, 1]) {
        const triple = tripleAt(form.bytes, at);
        this.#triples[triple >>> 5] = (this.#triples[triple >>> 5] ?? 0) | (1 << (triple & 31));
      }
      const bucket = this.#buckets.get(key) ?? [];
      if (!bucket.includes(form)) bucket.push(form);
      this.#buckets.set(key, bucket);
    }
  }

  /** Looks through the first `length` bytes. */
  scan(data: Uint8Array, length: number, ending: Ending): Found {
    const found: Found = { hits: [], hold: length };
    const bitmap = this.#bitmap;
    const passed = this.#passed;
    passed.length = 0;
    let hash = 0;
    let at = 0;
    if (data.subarray(0, length).indexOf(ESC) < 0) {
      this.#scanPlain(data, length, ending, found);
      at = length;
    }
    for (; at < length; at++) {
      const byte = data[at] as number;
      if (byte === ESC) {
        const end = sequenceEnd(data, at, length);
        if (end === INCOMPLETE) break;
        if (end !== NONE) {
          // What is hidden in a sequence is looked for as well.
          for (let inside = at + 1; inside < end; inside++)
            this.#consider(data, length, inside, ending, found);
          if (passed.at(-1) === at) passed[passed.length - 1] = end;
          else passed.push(at, end);
          at = end - 1;
          continue;
        }
      }
      hash = ((hash << 5) ^ byte) & HASH_MASK;
      if (((bitmap[hash >>> 5] as number) >>> (hash & 31)) & 1) {
        const start = back(passed, at, GRAM_BYTES - 1);
        if (start >= 0) this.#consider(data, length, start, ending, found);
      }
    }
    for (let start = Math.max(0, back(passed, at, GRAM_BYTES - 1)); start < length; start++) {
      this.#consider(data, length, start, ending, found);
    }
    found.hits.sort((one, other) => one.start - other.start || one.end - other.end);
    return found;
  }

  /** The fast way through bytes without terminal sequences: each form has one of its first two triples at an even place. */
  #scanPlain(data: Uint8Array, length: number, ending: Ending, found: Found): void {
    const triples = this.#triples;
    for (let at = 0; at + 2 < length; at += 2) {
      const triple = tripleAt(data, at);
      if ((((triples[triple >>> 5] as number) >>> (triple & 31)) & 1) === 0) continue;
      if (at > 0) this.#consider(data, length, at - 1, ending, found);
      this.#consider(data, length, at, ending, found);
    }
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

function tripleAt(data: Uint8Array, at: number): number {
  return (
    (((data[at] as number) << 10) ^ ((data[at + 1] as number) << 5) ^ (data[at + 2] as number)) & TRIPLE_MASK
  );
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

/** The byte that stands `count` bytes before `at`, where sequences do not count; negative when there is none. */
function back(passed: readonly number[], at: number, count: number): number {
  let last = passed.length - 1;
  let place = at;
  for (let left = count; left > 0; left--) {
    if (place === passed[last]) {
      place = passed[last - 1] ?? 0;
      last -= 2;
    }
    place--;
  }
  return place;
}
