import { expect, it } from "vitest";
import { wholeCharacters } from "./utf8.ts";

it.each([
  ["", 0],
  ["61", 1],
  ["c3", 0],
  ["c3a9", 2],
  ["61e2", 1],
  ["61e282", 1],
  ["61e282ac", 4],
  ["f09f98", 0],
  ["f09f9880", 4],
  ["808080", 3],
  ["80808080", 4],
  ["ff", 1],
  ["61c0", 2],
])("cuts %s after %i bytes", (bytes, length) => {
  expect(wholeCharacters(Buffer.from(bytes, "hex"))).toBe(length);
});
