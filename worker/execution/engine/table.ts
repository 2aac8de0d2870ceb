/**
 * A map that is cheap to branch: a fork sees its parent's entries and keeps its
 * own changes, so deciding costs what changes, not what exists, and leaves the
 * parent untouched. Keeps the order in which keys were added.
 */
export class Table<Key, Value> {
  readonly #own = new Map<Key, Value>();
  readonly #parent: Table<Key, Value> | undefined;
  #size: number;

  constructor(parent?: Table<Key, Value>) {
    this.#parent = parent;
    this.#size = parent?.size ?? 0;
  }

  get size(): number {
    return this.#size;
  }

  get(key: Key): Value | undefined {
    return this.#own.get(key) ?? this.#parent?.get(key);
  }

  set(key: Key, value: Value): void {
    if (this.get(key) === undefined) this.#size++;
    this.#own.set(key, value);
  }

  *values(): Generator<Value> {
    if (this.#parent) {
      for (const [key, value] of this.#parent.#own) yield this.#own.get(key) ?? value;
    }
    for (const [key, value] of this.#own) if (this.#parent?.get(key) === undefined) yield value;
  }

  fork(): Table<Key, Value> {
    return new Table(this);
  }

  /** Writes a fork's changes into its parent and returns the parent. A table without one is itself. */
  merge(): Table<Key, Value> {
    const parent = this.#parent;
    if (!parent) return this;
    for (const [key, value] of this.#own) parent.set(key, value);
    return parent;
  }
}

/** The fold alone changes sets, and only those that a draft has forked for it. */
export function mutable<T>(set: ReadonlySet<T>): Set<T> {
  return set as Set<T>;
}
