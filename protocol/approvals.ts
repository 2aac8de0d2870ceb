/** Which blocks stand between a person and what somebody has to agree to. */
import { type Block, walkBlocks } from "./blocks/index.ts";
import type { Plan } from "./plan.ts";

/** What a plan says of one procedure, its own or that of a runbook it starts. */
type Procedure = Pick<Plan, "runbooks" | "children">;

/** True for an approval, and for a block with one in it, be it in a runbook that it starts: nobody passes over it (G19). */
export function asksForApproval(procedure: Procedure, block: Block): boolean {
  return asks(procedure, block, new Set());
}

/** @param seen ids of versions that have been looked into: each is once, in however many places it is started */
function asks({ runbooks, children }: Procedure, block: Block, seen: Set<string>): boolean {
  for (const { block: inner } of walkBlocks([block])) {
    if (inner.kind === "approval") return true;
    if (inner.kind !== "runbook" || !children || !Object.hasOwn(children, inner.id)) continue;
    const versionId = children[inner.id] ?? "";
    const started = runbooks?.[versionId];
    if (!started || seen.has(versionId)) continue;
    seen.add(versionId);
    const its = { runbooks, children: started.children };
    if ([...started.blocks, ...(started.finally ?? [])].some((each) => asks(its, each, seen))) return true;
  }
  return false;
}
