import { describe, expect, it } from "vitest";
import { formatAgo, formatBytes, formatDuration, formatUntil, ordinal, plural, sentence } from "./format.ts";

describe("format", () => {
  it.each([
    [-5, "0.0s"],
    [420, "0.4s"],
    [9_990, "9.9s"],
    [12_700, "12s"],
    [185_000, "3m 05s"],
    [7_620_000, "2h 07m"],
    [356_400_000, "4d 3h"],
  ])("duration %d", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it.each([
    [-60_000, "just now"],
    [59_000, "59s ago"],
    [60_000, "1m ago"],
    [3_600_000, "1h ago"],
    [172_800_000, "2d ago"],
  ])("age %d", (age, text) => {
    expect(formatAgo(1_000_000_000, 1_000_000_000 + age)).toBe(text);
  });

  it.each([
    [-1, "a moment"],
    [4_200, "5s"],
    [185_000, "3m 05s"],
    [7_620_000, "2h 07m"],
  ])("%d ms from now", (left, text) => {
    expect(formatUntil(1_000_000_000 + left, 1_000_000_000)).toBe(text);
  });

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [4300, "4.2 KiB"],
    [64 * 1024 * 1024, "64 MiB"],
    [150 * 1024, "150 KiB"],
  ])("%d bytes", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it("counts", () => {
    expect([1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal)).toEqual(
      "1st 2nd 3rd 4th 11th 12th 13th 21st 112th".split(" "),
    );
    expect([plural(1, "line"), plural(12_345, "line")]).toEqual(["1 line", "12,345 lines"]);
  });

  it("makes a sentence of a few words", () => {
    expect(sentence("at most 64 labels")).toBe("At most 64 labels.");
  });
});
