import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RowHeights } from "./rowHeights.ts";

describe("row heights", () => {
  it("are the base until measured", () => {
    const heights = new RowHeights(20);
    expect(heights.top(1_000_000)).toBe(20_000_000);
    expect(heights.rowAt(59)).toBe(2);
    expect(heights.measure(1, 60)).toBe(40);
    expect(heights.measure(1, 40)).toBe(-20);
    expect([heights.top(1), heights.top(2), heights.rowAt(59), heights.rowAt(60)]).toEqual([20, 60, 1, 2]);
  });

  it("agree with adding them up one by one", () => {
    const measured = fc.array(fc.tuple(fc.nat(30), fc.integer({ min: 20, max: 200 })), { maxLength: 40 });
    fc.assert(
      fc.property(measured, fc.nat(2_000), (measures, offset) => {
        const heights = new RowHeights(20);
        const all = new Array<number>(200).fill(20);
        for (const [row, height] of measures) {
          heights.measure(row, height);
          all[row] = height;
        }
        let row = 0;
        let top = 0;
        while (top + (all[row] as number) <= offset) top += all[row++] as number;
        expect(heights.rowAt(offset)).toBe(row);
        expect(heights.top(row)).toBe(top);
      }),
    );
  });
});
