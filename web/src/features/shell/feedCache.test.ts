import { describe, expect, it } from "vitest";
import type { ExecutionSummary } from "#protocol/api/executions.ts";
import { newId } from "#protocol/ids.ts";
import type { ExecutionState } from "#protocol/states.ts";
import { withExecution, withoutExecution } from "./feedCache.ts";

const runbookId = newId("runbook");

function execution(id: string, state: ExecutionState): ExecutionSummary {
  return {
    id,
    runbookId,
    versionNumber: 1,
    title: "t",
    state,
    trigger: { type: "user" },
    actor: { type: "anonymous" },
    createdAt: "2026-01-01T00:00:00.000Z",
  };
}

const pages = [
  { items: [execution("b", "running"), execution("a", "running")], nextCursor: "c" },
  { items: [execution("0", "failed")], nextCursor: undefined },
];
const ids = (result: typeof pages) =>
  result.map((page) => page.items.map(({ id, state }) => `${id}:${state}`));

describe("a list of executions under the feed", () => {
  it("replaces a row in its place, whatever page it is on", () => {
    expect(ids(withExecution(pages, execution("a", "succeeded"), {}))).toEqual([
      ["b:running", "a:succeeded"],
      ["0:failed"],
    ]);
    expect(ids(withExecution(pages, execution("0", "canceled"), {}))[1]).toEqual(["0:canceled"]);
  });

  it("puts a new one on top", () => {
    expect(ids(withExecution(pages, execution("c", "queued"), {}))[0]?.[0]).toBe("c:queued");
  });

  it("takes out one that was deleted", () => {
    expect(ids(withoutExecution(pages, "a"))).toEqual([["b:running"], ["0:failed"]]);
    expect(ids(withoutExecution(pages, "x"))).toEqual(ids(pages));
  });

  it("keeps to its filter", () => {
    expect(ids(withExecution(pages, execution("a", "succeeded"), { state: "running" }))[0]).toEqual([
      "b:running",
    ]);
    for (const filter of [
      { runbookId: newId("runbook") },
      { trigger: "retry" },
      { text: "other" },
    ] as const) {
      expect(ids(withExecution(pages, execution("c", "queued"), filter))).toEqual(ids(pages));
    }
    const fits = { trigger: "user", text: "T" } as const;
    expect(ids(withExecution(pages, execution("c", "queued"), fits))[0]?.[0]).toBe("c:queued");
  });
});
