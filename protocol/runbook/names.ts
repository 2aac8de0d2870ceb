/** Names for blocks that were given none: stable from one parse to the next, unique in the runbook. */

const NAME_MAX = 63;

/** Letters that are no plain one with a mark. */
const PLAIN_LETTERS: Readonly<Record<string, string>> = {
  ...{ ß: "ss", æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d", ð: "d", þ: "th", ħ: "h", ı: "i", ŋ: "n" },
};

/** A heading as a block name, or undefined when nothing of it is left. */
export function slugOf(text: string): string | undefined {
  const slug = text
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/[^ -~]/g, (letter) => PLAIN_LETTERS[letter] ?? letter)
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, NAME_MAX)
    .replaceAll(/^-+|-+$/g, "");
  return slug === "" ? undefined : slug;
}

/** Hands out names, never one twice. */
export class NameBook {
  readonly #taken: Set<string>;
  readonly #lastSuffix = new Map<string, number>();

  /** @param given names that people chose, anywhere in the runbook: those win. */
  constructor(given: Iterable<string>) {
    this.#taken = new Set(given);
  }

  /** `base` itself, or the first free of `base-2`, `base-3`… */
  take(base: string): string {
    let name = base;
    let suffix = this.#lastSuffix.get(base) ?? 1;
    while (this.#taken.has(name)) {
      suffix += 1;
      const tail = `-${suffix}`;
      name = base.slice(0, NAME_MAX - tail.length) + tail;
    }
    this.#lastSuffix.set(base, suffix);
    this.#taken.add(name);
    return name;
  }
}
