import { expect, it } from "vitest";
import { placeChunk } from "./intake.ts";

it.each([
  [10, 10, 5, "append"],
  [10, 5, 5, "duplicate"],
  [10, 0, 3, "duplicate"],
  [10, 11, 5, "gap"],
  [10, 8, 5, "gap"],
  [0, 0, 0, "append"],
])("[OT3] holding %i bytes, a chunk at %i of %i bytes: %s", (held, offset, bytes, placement) => {
  expect(placeChunk(held, offset, bytes)).toBe(placement);
});
