import { expect, it } from "vitest";
import type { Step } from "#protocol/api/executions.ts";
import { type RoundFilter, rowsOf } from "./rounds.ts";
import type { PlacedStep } from "./stepTree.ts";

const round = (number: number, state: Step["state"]): PlacedStep => ({
  id: `d~${number}`,
  kind: "command",
  title: "d",
  state,
  attempt: 1,
  output: { bytes: 0, lines: 0, cutBytes: 0 },
  depth: 1,
  round: `Web-${number}`,
  roundOf: "each",
});
const { roundOf: _, ...each } = { ...round(0, "running"), id: "each", depth: 0 };

const none: ReadonlyMap<string, RoundFilter> = new Map();

it("folds rounds away that need no look, and keeps what went wrong or is shown", () => {
  const rounds = Array.from({ length: 10 }, (_, number) =>
    round(number, number === 4 ? "failed" : "succeeded"),
  );
  const ids = (unfolded: string[], shown?: string) =>
    rowsOf([each, ...rounds], { unfolded: new Set(unfolded), filters: none }, shown).map((row) =>
      "type" in row ? row.type === "fold" && row.steps : row.id,
    );
  expect(ids([])).toEqual(["each", 9, "d~4"]);
  expect(ids([], "d~7")).toEqual(["each", 8, "d~4", "d~7"]);
  expect(ids(["each"])).toHaveLength(11);
});

it("counts many rounds by state, what went wrong first, and shows those that a filter asks for", () => {
  const states = ["succeeded", "failed", "running"] as const;
  const rounds = Array.from({ length: 30 }, (_, number) => round(number, states[number % 3] ?? "pending"));
  const rows = (filter: RoundFilter) =>
    rowsOf([each, ...rounds], { unfolded: new Set(), filters: new Map([["each", filter]]) }, "d~0");
  expect(rows({})[1]).toMatchObject({
    type: "tally",
    counts: [
      { state: "failed", steps: 10 },
      { state: "running", steps: 10 },
      { state: "succeeded", steps: 10 },
    ],
  });
  const shown = (filter: RoundFilter) => rows(filter).flatMap((row) => ("id" in row ? [row.id] : []));
  expect(shown({ state: "succeeded" })).toHaveLength(11);
  expect(shown({ text: "web-1" })).toEqual(["each", "d~1", ...rounds.slice(10, 20).map(({ id }) => id)]);
  expect(shown({ text: "web-1", state: "failed" })).toEqual(["each", "d~1", "d~10", "d~13", "d~16", "d~19"]);
  expect(rows({ text: "db" })[1]).toMatchObject({ isEmpty: true });
  expect(shown({ text: "", state: undefined })).toHaveLength(22);
});
