/**
 * The engine: what an execution does next, given what just happened. Pure: the
 * same state, input and moment always give the same decision, so it is tested
 * by simulation and trusted by the coordinator, which stores the events before
 * it carries out the effects.
 */
import { EVENT_SCHEMA, type ExecutionEvent } from "#protocol/events.ts";
import { ROOT } from "#protocol/paths.ts";
import type { Plan } from "#protocol/plan.ts";
import { isStepTerminal } from "#protocol/states.ts";
import { releaseIdle } from "./agents.ts";
import { asked } from "./asked.ts";
import { begin, requestLocks, startList } from "./begin.ts";
import { checkReadable, Draft, UnreadableEvent } from "./draft.ts";
import { end } from "./ending.ts";
import { fold } from "./fold.ts";
import type { AttemptKey, Decision, EngineInput, Moment, Origin } from "./inputs.ts";
import { continueStep, ended } from "./lists.ts";
import { overallState } from "./overall.ts";
import { reported } from "./reports.ts";
import { type EngineState, isOut, lateKey } from "./state.ts";
import { finish } from "./steps.ts";
import { abandonAll } from "./stop.ts";
import { tick } from "./time.ts";

/**
 * The first decision of an execution.
 * @throws UnreadableEvent when its origin or plan cannot be stored
 */
export function create(plan: Plan, { limited, ...origin }: Origin, moment: Moment): Decision {
  const created: ExecutionEvent = { type: "execution.created", schema: EVENT_SCHEMA, ...origin };
  checkReadable(created);
  const draft = new Draft(fold(plan, [{ time: moment.now, event: created }]), moment);
  if (plan.locks || limited) requestLocks(draft, ROOT, plan.locks ?? [], limited);
  else startList(draft, ROOT, 0);
  const decision = settle(draft);
  return { ...decision, events: [created, ...decision.events] };
}

/**
 * Every later decision. An input that changes nothing gives no events. What would
 * lead to an event that nobody could read back ends the step that it is about, or
 * else the execution: tried again it would come to the same.
 */
export function engine(state: EngineState, input: EngineInput, moment: Moment): Decision {
  try {
    return decide(state, moment, (draft) => handle(draft, input));
  } catch (error) {
    if (!(error instanceof UnreadableEvent)) throw error;
    return instead(state, moment, error);
  }
}

function decide(state: EngineState, moment: Moment, change: (draft: Draft) => void): Decision {
  const draft = new Draft(state, moment);
  change(draft);
  return settle(draft);
}

function instead(
  state: EngineState,
  moment: Moment,
  { step: path, message: detail }: UnreadableEvent,
): Decision {
  const step = path === undefined ? undefined : state.steps.get(path);
  if (step && !isStepTerminal(step.state)) {
    try {
      return decide(state, moment, (draft) =>
        finish(draft, step.path, { state: isOut(step) ? "unknown" : "failed", detail }),
      );
    } catch (error) {
      if (!(error instanceof UnreadableEvent)) throw error;
    }
  }
  return decide(state, moment, (draft) => damaged(draft, detail));
}

function damaged(draft: Draft, detail: string): void {
  abandonAll(draft, "the execution ended");
  end(draft, { state: "failed", detail });
}

function handle(draft: Draft, input: EngineInput): void {
  // What has ended only keeps results that came too late.
  if (draft.state.end && input.type !== "step.finished") return;
  switch (input.type) {
    case "cancel":
    case "pause":
    case "resume":
    case "skip":
    case "answer":
      return asked(draft, input);
    case "tick":
      return tick(draft);
    case "damaged":
      return damaged(draft, input.detail);
    case "lease.granted":
    case "lease.queued":
    case "lease.failed":
    case "lease.lost":
    case "targets.resolved":
    case "locks.granted":
    case "locks.queued":
    case "agent.connected":
    case "agent.disconnected":
    case "step.started":
    case "step.finished":
    case "edge.finished":
    case "child.started":
    case "child.finished":
      return reported(draft, input);
    default:
      return input satisfies never;
  }
}

/** Does everything that follows, and closes the books. */
function settle(draft: Draft): Decision {
  for (let task = draft.tasks.shift(); task; task = draft.tasks.shift()) {
    if (draft.state.end) break;
    if (task.do === "begin") begin(draft, task.step);
    else if (task.do === "ended") ended(draft, task.step);
    else continueStep(draft, task.step);
  }
  if (!draft.state.end) {
    releaseIdle(draft);
    const state = overallState(draft.state);
    if (state !== draft.state.state) draft.emit({ type: "execution.state", state });
  }
  return draft.decision();
}

/** True when the coordinator needs nothing more from the agent for this attempt. */
export function isRecorded(state: EngineState, key: AttemptKey): boolean {
  const step = state.steps.get(key.step);
  if (!step || state.late.includes(lateKey(key)) || key.attempt < step.attempt) return true;
  const same = step.attempt === key.attempt && step.fence === key.fence;
  return same && isStepTerminal(step.state) && step.outcome !== undefined;
}
