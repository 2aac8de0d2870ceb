import type { StepRecord } from "./state.ts";

/**
 * Steps by path, in the order they run, cheap to branch: a fork sees its
 * parent's records and keeps its own changes, so deciding costs what changes,
 * not what exists, and leaves the parent untouched.
 */
export class StepTable {
  readonly #order: string[];
  readonly #records = new Map<string, StepRecord>();
  readonly #parent: StepTable | undefined;

  private constructor(order: string[], parent?: StepTable) {
    this.#order = order;
    this.#parent = parent;
  }

  static of(records: Iterable<StepRecord>): StepTable {
    const table = new StepTable([]);
    for (const record of records) {
      table.#order.push(record.path);
      table.#records.set(record.path, record);
    }
    return table;
  }

  get(path: string): StepRecord | undefined {
    return this.#records.get(path) ?? this.#parent?.get(path);
  }

  /** Replaces the record of a path that is already known; others are ignored. */
  change(path: string, change: (step: StepRecord) => Partial<StepRecord>): void {
    const step = this.get(path);
    if (step) this.#records.set(path, { ...step, ...change(step) });
  }

  *values(): Generator<StepRecord> {
    for (const path of this.#order) {
      const step = this.get(path);
      if (step) yield step;
    }
  }

  fork(): StepTable {
    return new StepTable(this.#order, this);
  }

  /** Writes a fork's changes into its parent and returns the parent. A table without one is itself. */
  merge(): StepTable {
    const parent = this.#parent;
    if (!parent) return this;
    for (const [path, record] of this.#records) parent.#records.set(path, record);
    return parent;
  }
}
