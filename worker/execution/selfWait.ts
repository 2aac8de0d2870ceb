import type { Plan } from "#protocol/plan.ts";
import { lockProblems, locksAround } from "#protocol/runbook/checkLocks.ts";
import { walkDocument } from "#protocol/runbook/walk.ts";
import { entryOf } from "./engine/state.ts";

type Procedure = Pick<Plan, "title" | "locks" | "blocks" | "finally" | "children">;

/**
 * Why an execution of a plan would wait for itself: a lock that it holds is
 * asked for again in it, or in an execution that it starts.
 */
export function selfWait(plan: Procedure & Pick<Plan, "runbooks">): string | undefined {
  const { runbooks = {} } = plan;
  const known = new Map<string, ReadonlyMap<string, string>>();
  for (const procedure of [plan, ...Object.values(runbooks)]) {
    for (const place of walkDocument(procedure)) {
      const [problem] = lockProblems(procedure, place);
      if (problem) return `"${place.block.id}" in "${procedure.title}": ${problem.message}.`;
      const held = locksAround(procedure, place);
      for (const { name } of place.block.locks ?? []) held.set(name, `"${place.block.id}"`);
      const asked = askedBy(runbooks, entryOf(procedure.children, place.block.id), known);
      const lock = [...held.keys()].find((name) => asked.has(name));
      if (lock === undefined) continue;
      const holder = capital(held.get(lock));
      return `"${place.block.id}" starts the runbook "${asked.get(lock)}", which asks for the lock "${lock}". ${holder} holds it then, and would wait for itself; ask for it in one place only.`;
    }
  }
  return undefined;
}

/** The locks that a version and all that it starts ask for, with the title of the one that does. */
function askedBy(
  runbooks: NonNullable<Plan["runbooks"]>,
  versionId: string | undefined,
  known: Map<string, ReadonlyMap<string, string>>,
): ReadonlyMap<string, string> {
  const found = versionId === undefined ? undefined : known.get(versionId);
  const procedure = versionId === undefined ? undefined : runbooks[versionId];
  if (found || versionId === undefined || !procedure) return found ?? new Map();
  const asked = new Map<string, string>();
  known.set(versionId, asked);
  const add = (name: string, title: string) => asked.set(name, title);
  for (const { name } of procedure.locks ?? []) add(name, procedure.title);
  for (const { block } of walkDocument(procedure)) {
    for (const { name } of block.locks ?? []) add(name, procedure.title);
    const inner = askedBy(runbooks, entryOf(procedure.children, block.id), known);
    for (const [name, title] of inner) add(name, title);
  }
  return asked;
}

function capital(text = ""): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
