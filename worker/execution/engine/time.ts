/** Time has passed: what is due is done. */
import { CANCEL_GRACE_MS, WAIT_MAX_MS } from "#protocol/limits.ts";
import { ROOT } from "#protocol/paths.ts";
import { letGoOfSilent, release, waitingIn, wakeScope } from "./agents.ts";
import { type Deadline, deadlineOf } from "./deadlines.ts";
import type { Draft } from "./draft.ts";
import { end } from "./ending.ts";
import { settleAttempt } from "./reports.ts";
import { goOn } from "./resume.ts";
import { scopeOf } from "./scopes.ts";
import { type StepRecord, stepsUnder } from "./state.ts";
import { finish } from "./steps.ts";
import { abandonAll, stopAll } from "./stop.ts";
import { noAgentInTime } from "./untaken.ts";

/** More than any decision needs; what is left is due at the next tick. */
const AT_ONCE_MAX = 1_000;

export function tick(draft: Draft): void {
  for (let count = 0; count < AT_ONCE_MAX; count++) {
    const deadline = deadlineOf(draft.state);
    if (!deadline || deadline.at > draft.moment.now) return;
    // What a wait leads to is a task: until it is done the wait would be found again.
    const tasks = draft.tasks.length;
    passed(draft, deadline);
    const wasWait = deadline.type === "wait" || deadline.type === "pause";
    if (draft.tasks.length > tasks && wasWait) return;
  }
}

function passed(draft: Draft, deadline: Deadline): void {
  switch (deadline.type) {
    case "wait":
      return waited(draft, deadline.step);
    case "queue":
      return queued(draft, deadline.fence);
    case "contact": {
      const { path: step, attempt } = deadline.step;
      const reason = "its agent took the step and has not reported since";
      return draft.emit({ type: "step.unreachable", step, attempt, reason });
    }
    case "timeout":
      return stopAll(draft, deadline.step.path, "timed_out");
    case "confirm":
      return unconfirmed(draft, deadline.step);
    case "lost":
      return lost(draft, deadline.step);
    case "locks":
      return end(draft, { state: "timed_out", detail: noLocks(draft) });
    case "pause":
      draft.emit({ type: "step.stopping", step: ROOT, reason: "timed_out" });
      return draft.state.phase ? goOn(draft) : stopExecution(draft);
    case "execution":
      draft.emit({ type: "step.stopping", step: ROOT, reason: "timed_out" });
      return stopExecution(draft);
    case "phase":
      return giveUp(draft);
    default:
      deadline satisfies never;
  }
}

/** Its agent was silent until it must have ended the step: another attempt waits until it answers again, and is not spent on silence. */
function lost(draft: Draft, step: StepRecord): void {
  const detail = "nothing was heard of it past its time limit";
  settleAttempt(draft, step, { state: "unknown", detail });
  if (step.fence !== undefined) letGoOfSilent(draft, step.fence);
}

function giveUp(draft: Draft): void {
  const { phase } = draft.state;
  if (!phase) return;
  const { state, detail } = phase.ending;
  const days = WAIT_MAX_MS / (24 * 60 * 60 * 1000);
  const what = phase.name === "finally" ? "`finally`" : "undoing";
  const told = `${what} did not come to its end in ${days} days`;
  abandonAll(draft, told);
  end(draft, {
    state: state === "succeeded" ? "timed_out" : state,
    detail: [detail, told].filter(Boolean).join("; ").slice(0, 2_000),
  });
}

function noLocks({ state }: Draft): string {
  return state.locks?.queue?.reason === "organization_full"
    ? "its organization ran as many executions as it may, and none ended in time"
    : "its locks did not become free in time";
}

function stopExecution(draft: Draft): void {
  stopAll(draft, ROOT, "timed_out");
  draft.tasks.push({ do: "continue", step: ROOT });
}

function waited(draft: Draft, step: StepRecord): void {
  const { path, block, wait } = step;
  switch (wait?.for) {
    case "time":
      return finish(draft, path, { state: "succeeded" });
    case "retry":
      draft.tasks.push({ do: "begin", step: path });
      return;
    case "batch":
      draft.tasks.push({ do: "continue", step: path });
      return;
    case "approval":
      if (block.kind === "approval" && block.onExpiry === "approve") {
        return finish(draft, path, {
          state: "succeeded",
          detail: "nobody answered in time, which counts as agreed",
        });
      }
      return finish(draft, path, { state: "timed_out", detail: "nobody answered in time" });
    case "acknowledgement":
    case "confirmation":
      return finish(draft, path, { state: "timed_out", detail: "nobody answered in time" });
    case "targets":
      return finish(draft, path, { state: "timed_out", detail: "no agent matched its target in time" });
    case "locks":
      return finish(draft, path, { state: "timed_out", detail: "its locks did not become free in time" });
    case "resume":
      return finish(draft, path, { state: "timed_out", detail: "nobody resumed the execution in time" });
    case "agent":
      return wakeScope(draft, scopeOf(draft.state, path).scope);
    case undefined:
      return;
    default:
      wait satisfies never;
  }
}

/** A request that the pool never answered may have been offered: then its step's fate is unknown. */
function queued(draft: Draft, fence: number): void {
  const lease = draft.state.leases.get(fence);
  if (!lease) return;
  for (const step of [...stepsUnder(draft.state, fence)]) {
    finish(draft, step.path, { state: "unknown", detail: "the pool did not answer in time" });
  }
  const end = noAgentInTime(draft.state, lease.scope, lease.until, lease);
  for (const { path } of [...waitingIn(draft.state, lease.scope)]) finish(draft, path, end);
  release(draft, lease, "abandoned");
}

function unconfirmed(draft: Draft, step: StepRecord): void {
  const seconds = Math.round(CANCEL_GRACE_MS / 1000);
  const state = step.stopping?.reason ?? "canceled";
  const detail = `not confirmed: its agent did not report the end ${seconds} s after the stop`;
  finish(draft, step.path, { state, detail });
}
