import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tailOf } from "./tail.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const ended = (parts: string[], unit: "lines" | "bytes", count: number) =>
  tailOf(parts.map(bytes).reverse(), { unit, count })
    .map((part) => new TextDecoder().decode(part))
    .join("");

describe("the end of an output", () => {
  it.each([
    [["a\nb\nc\n"], 2, "b\nc\n"],
    [["a\nb\nc"], 2, "b\nc"],
    [["a\n", "b", "\n", "c\n"], 2, "b\nc\n"],
    [["a\n", "b\n"], 9, "a\nb\n"],
    [["a\nb\n"], 0, ""],
    [["\n\n\n"], 2, "\n\n"],
    [[], 5, ""],
  ])("%j has as its last %i lines %j", (parts, count, expected) => {
    expect(ended(parts, "lines", count)).toBe(expected);
  });

  it("is what cutting the whole would give, however it is cut into parts", () => {
    const part = fc.stringMatching(/^[ab\n]{0,6}$/);
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.nat(10), (parts, count) => {
        const whole = parts.join("");
        expect(ended(parts, "bytes", count)).toBe(count === 0 ? "" : whole.slice(-count));
        const lines = whole.match(/[^\n]*\n|[^\n]+$/g) ?? [];
        expect(ended(parts, "lines", count)).toBe(count === 0 ? "" : lines.slice(-count).join(""));
      }),
    );
  });
});
