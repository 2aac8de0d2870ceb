import { expect, it } from "vitest";
import { readFilter } from "./filter.ts";

it.each([
  ["", {}],
  [
    "state=failed&trigger=retry&text=+shop+&mine=1",
    { state: "failed", trigger: "retry", text: "shop", mine: "1" },
  ],
  ["state=gone&trigger=moon&text=&mine=2&other=x", {}],
])("reads the filter of an address: %s", (search, filter) => {
  expect(readFilter(new URLSearchParams(search))).toEqual(filter);
});
