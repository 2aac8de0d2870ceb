import { expect, it } from "vitest";
import { asksForApproval } from "./approvals.ts";
import type { Block } from "./blocks/index.ts";
import type { Plan } from "./plan.ts";

/** Runbooks that start the next one with each of many blocks, so deep; the last one holds this. */
function nested(levels: number, last: Block): Pick<Plan, "runbooks" | "children"> & { blocks: Block[] } {
  const names = Array.from({ length: 100 }, (_, n) => `r${n}`);
  const blocks: Block[] = names.map((id) => ({ kind: "runbook", id, runbook: "next" }));
  const procedure = (level: number) => ({
    ...{ runbookId: "rb_1", versionId: `rbv_${level}`, versionNumber: 1, versionHash: "", title: "" },
    ...{ target: { poolId: "pool_1", poolName: "default", labels: {} }, definitions: [] },
    blocks: level === levels ? [last] : blocks,
    children: Object.fromEntries(names.map((name) => [name, `rbv_${level + 1}`])),
  });
  const runbooks = Object.fromEntries(
    Array.from({ length: levels }, (_, n) => [`rbv_${n + 1}`, procedure(n + 1)]),
  );
  return { blocks, runbooks, children: Object.fromEntries(names.map((name) => [name, "rbv_1"])) };
}

it("[G19] finds an approval in runbooks that start each other in many places, looking at each once", () => {
  const found = (last: Block) => {
    const { blocks, ...plan } = nested(5, last);
    return blocks.slice(0, 1).some((block) => asksForApproval(plan, block));
  };
  expect(found({ kind: "approval", id: "ok" })).toBe(true);
  expect(found({ kind: "instruction", id: "look", markdown: "" })).toBe(false);
});
