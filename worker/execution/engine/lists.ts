/** What comes after a step: the next in its list, the step around it, or the next phase. */
import { listOf, pathsOfList, placeOf, ROOT } from "#protocol/paths.ts";
import { isStepTerminal } from "#protocol/states.ts";
import { startList } from "./begin.ts";
import type { Draft } from "./draft.ts";
import { compensationEnded, listOfExecutionEnded } from "./ending.ts";

import { isFailure, type StepRecord } from "./state.ts";
import { finish, releaseLocks, skip } from "./steps.ts";

/** How many lists a step has, and how they are gone through. */
interface Policy {
  total: number;
  /** Most lists at once. */
  concurrency: number;
  /** Lists begin in batches: the next when all of the last have ended. */
  batches: boolean;
  pauseMs: number;
  /** So many may fail before nothing new begins. */
  maxFailures: number;
}

export function policyOf({ block, over }: StepRecord): Policy {
  const total = over ? (over.type === "items" ? over.items.length : over.agents.length) : 1;
  const sequence = { total, concurrency: 1, batches: false, pauseMs: 0, maxFailures: 0 };
  switch (block.kind) {
    case "parallel": {
      const branches = block.branches.length;
      return { ...sequence, total: branches, concurrency: block.concurrency ?? branches };
    }
    case "foreach":
    case "command":
    case "api": {
      const { target } = block;
      const limits = block.kind === "foreach" ? block : undefined;
      const maxFailures = limits?.maxFailures ?? target?.maxFailures ?? 0;
      if (over?.type !== "agents") return { ...sequence, concurrency: limits?.concurrency ?? 1, maxFailures };
      const rolling = target?.mode === "rolling";
      const concurrency = rolling ? (target.batch ?? 1) : (limits?.concurrency ?? total);
      return { total, concurrency, batches: rolling, pauseMs: target?.pauseMs ?? 0, maxFailures };
    }
    case "condition":
    case "instruction":
    case "timer":
    case "approval":
    case "runbook":
      return sequence;
    default:
      return block satisfies never;
  }
}

/** A step has ended: the next one of its list has its turn, or the list is done. */
export function ended(draft: Draft, path: string): void {
  const step = draft.step(path);
  const place = placeOf(draft.state.plan, path);
  if (!step || !place) return;
  releaseLocks(draft, step);
  if (place.undoes && place.instance === undefined) return compensationEnded(draft);
  const around = listOf(place);
  const paths = pathsOfList(draft.state.plan, around.step, around.list);
  const next = paths[paths.indexOf(path) + 1];
  if (next === undefined) return listEnded(draft, around.step);
  if (isStepTerminal(draft.step(next)?.state ?? "pending")) return;
  if (!isFailure(step)) {
    draft.tasks.push({ do: "begin", step: next });
    return;
  }
  for (const later of paths.slice(paths.indexOf(path) + 1))
    skip(draft, later, "an earlier step did not succeed");
}

function listEnded(draft: Draft, path: string): void {
  if (path === ROOT) return listOfExecutionEnded(draft);
  draft.tasks.push({ do: "continue", step: path });
}

/** Begins more of the lists inside a step, as its policy has it, or ends the step when they are done. */
export function continueStep(draft: Draft, path: string): void {
  if (path === ROOT) return listOfExecutionEnded(draft);
  const step = draft.step(path);
  if (!step?.lists || isStepTerminal(step.state)) return;
  const policy = policyOf(step);
  const { started, ended, failed } = step.lists;
  const running = started - ended;
  const halted = step.stopping !== undefined || failed > policy.maxFailures || isHaltedAround(draft);
  const left = halted ? 0 : policy.total - started;
  if (left > 0 && step.block.kind !== "condition") {
    const room = policy.batches && running > 0 ? 0 : policy.concurrency - running;
    const pause =
      policy.pauseMs > 0 && policy.batches && running === 0 && hasDoneWork(draft, path, started - 1);
    if (pause && step.wait?.for !== "batch") {
      return draft.emit({
        type: "step.waiting",
        step: path,
        wait: { for: "batch", until: draft.moment.now + policy.pauseMs },
      });
    }
    for (let list = started; list < started + Math.min(left, room); list++) startList(draft, path, list);
    return;
  }
  if (running === 0) finish(draft, path, verdictOf(step, policy, left));
}

/** False before the first list, and for one that was taken over from an earlier execution. */
function hasDoneWork(draft: Draft, path: string, list: number): boolean {
  if (list < 0) return false;
  return pathsOfList(draft.state.plan, path, list).some((each) => !draft.step(each)?.reused);
}

function isHaltedAround({ state }: Draft): boolean {
  return state.phase
    ? (state.cancel?.force ?? false)
    : state.cancel !== undefined || state.stopping !== undefined;
}

function verdictOf(step: StepRecord, policy: Policy, left: number) {
  const { started = 0, failed = 0 } = step.lists ?? {};
  if (step.stopping) return { state: step.stopping.reason };
  const skipped = policy.total - started;
  if (failed > policy.maxFailures) {
    const rest = skipped > 0 ? `; ${skipped} were not begun` : "";
    const detail =
      policy.total === 1 ? "a step in it did not succeed" : `${failed} of ${policy.total} failed${rest}`;
    return { state: "failed" as const, detail };
  }
  if (skipped > 0 && left === 0 && step.block.kind !== "condition") {
    return { state: "canceled" as const, detail: `${skipped} of ${policy.total} were not begun` };
  }
  const detail = failed > 0 ? `${failed} of ${policy.total} failed, which is tolerated` : undefined;
  return { state: "succeeded" as const, detail };
}
