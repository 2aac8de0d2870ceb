/**
 * Where rows of a long list stand when nearly all have one height and a few,
 * measured on the screen, have another. Costs grow with the measured rows only.
 * All lengths in pixels.
 */
export class RowHeights {
  readonly base: number;
  /** Measured rows in order, each with what it and all before it add to the base. */
  private rows: { row: number; extra: number; sum: number }[] = [];

  constructor(base: number) {
    this.base = base;
  }

  /** Records a measured height; returns by how much the row grew. */
  measure(row: number, height: number): number {
    const extra = height - this.base;
    const at = this.countBefore(row);
    const known = this.rows[at]?.row === row ? this.rows[at] : undefined;
    const growth = extra - (known?.extra ?? 0);
    if (growth === 0) return 0;
    if (known) known.extra = extra;
    else this.rows.splice(at, 0, { row, extra, sum: 0 });
    let sum = this.rows[at - 1]?.sum ?? 0;
    for (let i = at; i < this.rows.length; i++) {
      const entry = this.rows[i] as { extra: number; sum: number };
      sum += entry.extra;
      entry.sum = sum;
    }
    return growth;
  }

  /** The top of a row; of the row after the last, the height of all. */
  top(row: number): number {
    return row * this.base + (this.rows[this.countBefore(row) - 1]?.sum ?? 0);
  }

  /** The row at this height from the top. */
  rowAt(offset: number): number {
    let low = 0;
    let high = Math.max(0, Math.floor(offset / this.base)) + 1;
    // Rows are at least `base` high, so the answer is not past offset / base.
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.top(middle) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  clear(): void {
    this.rows = [];
  }

  private countBefore(row: number): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.rows[middle] as { row: number }).row < row) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
