/** What has to hold after every decision, whatever happened before it. */
import { compensationOf } from "#protocol/blocks/index.ts";
import type { ExecutionEvent } from "#protocol/events.ts";
import { compensationPath, listOf, mayHaveInstances, pathsOfList, placeOf, ROOT } from "#protocol/paths.ts";
import type { Plan } from "#protocol/plan.ts";
import { isStepTerminal } from "#protocol/states.ts";
import { deadlineOf } from "../../worker/execution/engine/deadlines.ts";
import { apply, fold, type TimedEvent } from "../../worker/execution/engine/fold.ts";
import type { Decision, Effect, EngineInput } from "../../worker/execution/engine/inputs.ts";
import { policyOf } from "../../worker/execution/engine/lists.ts";
import { refusalOf } from "../../worker/execution/engine/people.ts";
import {
  type EngineState,
  isFailure,
  type LeaseRecord,
  lateKey,
} from "../../worker/execution/engine/state.ts";
import { comparable } from "../../worker/execution/engine/testRun.ts";
import { unanswered } from "../../worker/execution/engine/unanswered.ts";
import { checkDecision, checkState } from "./invariants.ts";
import type { Oracle } from "./oracle.ts";
import { Violation } from "./world.ts";

const TICKS_MAX = 200;
/** The least between two requests, when an agent declined again. */
const ASK_AGAIN_MS = 5_000;
/** More than any simulated execution needs. */
const EVENTS_MAX = 3_000;
/** Events by which a step begins, or goes on to what it is about. */
const BEGINNINGS: ReadonlySet<string> = new Set([
  ...["step.waiting", "step.dispatched", "step.started", "step.expanded", "locks.requested"],
]);
/** Effects that nobody answers: they are found to be needed in another way, or only made once. */
const UNREPEATED: ReadonlySet<string> = new Set([
  ...["lease.release", "locks.release", "edge.request", "edge.cancel", "project"],
]);

export class Rules {
  readonly #plan: Plan;
  /** The same events, folded one after the other apart from the engine. */
  #copy: EngineState | undefined;
  readonly #begun = new Set<string>();
  /** Paths that succeeded and can be undone, in the order in which they ended. */
  readonly #undoable: string[] = [];
  readonly #edge = new Set<string>();
  #count = 0;

  readonly #oracle: Oracle;

  constructor(plan: Plan, oracle: Oracle) {
    this.#plan = plan;
    this.#oracle = oracle;
  }

  /** @throws Violation */
  decided(before: EngineState | undefined, decision: Decision, clock: number, input?: EngineInput): void {
    if (before && input && isAsked(input)) refusedChangesNothing(before, decision, input);
    for (const event of decision.events) this.#happens(clock, event);
    this.#count += decision.events.length;
    if (this.#count > EVENTS_MAX) throw new Violation("G5", "it goes round in circles");
    const { state, effects } = decision;
    checkDecision(decision);
    checkState(state);
    if (!state.end && !deadlineOf(state)) {
      throw new Violation("G5", `nothing ends the wait of an execution that is ${state.state}`);
    }
    const repeated = new Set(unanswered(state).map(keyOf));
    for (const effect of effects) {
      const isGiven = UNREPEATED.has(effect.type) || isOver(state, effect) || repeated.has(keyOf(effect));
      if (!isGiven) throw new Violation("G11", `a crash would lose ${keyOf(effect)} for ever`);
    }
  }

  /** @throws Violation when what the engine keeps is not what its events say */
  stored(state: EngineState): void {
    const [one, other] = [textOf(state), this.#copy && textOf(this.#copy)];
    if (one !== other) throw new Violation("G11", `the fold gives ${other}, the engine has ${one}`);
  }

  /** @throws Violation when time passes and what is due stays due */
  ticked(again: () => boolean): void {
    for (let count = 0; again(); count++) {
      if (count > TICKS_MAX) throw new Violation("G5", "a deadline that is over leads to nothing");
    }
  }

  /** @throws Violation when nothing in the log says that this is to be done */
  performs(effect: Effect, log: readonly TimedEvent[]): void {
    if (!log.some(({ event }) => isCause(event, effect))) {
      throw new Violation("effects", `${keyOf(effect)} without an event before it`);
    }
    if (effect.type !== "edge.request") return;
    if (this.#edge.has(keyOf(effect))) throw new Violation("G1", `${keyOf(effect)} is made twice`);
    this.#edge.add(keyOf(effect));
  }

  /** @throws Violation when something of it is still open after the end */
  finished(log: readonly TimedEvent[]): void {
    const again = fold(this.#plan, log);
    this.stored(again);
    const open = [...again.steps.values()].find(({ state }) => !isStepTerminal(state));
    if (open) throw new Violation("G6", `"${open.path}" is ${open.state} after the end`);
    if (again.openLeases.size > 0) throw new Violation("G6", "a lease is open after the end");
    const held = [...again.steps.values()].find(({ locks }) => locks);
    if (held || again.locks)
      throw new Violation("locks", `"${held?.path ?? ""}" has its locks after the end`);
  }

  #happens(time: number, event: ExecutionEvent): void {
    const copy = this.#copy;
    if (!copy) {
      this.#copy = fold(this.#plan, [{ time, event }]);
      return;
    }
    if (copy.end && event.type !== "step.late") {
      throw new Violation("G6", `${event.type} after the end`);
    }
    if (event.type === "step.finished") this.#hasRun(event);
    if (event.type === "execution.finished") this.#mayEnd(copy, event.confirmed);
    if (event.type === "step.late" && copy.late.includes(lateKey(event))) {
      throw new Violation("G16", `a late report of "${event.step}" is kept twice`);
    }
    if (event.type === "step.started") this.#oracle.told(event.step, event.attempt);
    if (event.type === "lease.requested") asksInTime(copy, event, time);
    if ("step" in event && event.step !== ROOT) this.#happensTo(copy, event);
    if (event.type === "phase.started" && event.phase === "compensating") this.#undoes(event.steps);
    this.#copy = apply(copy, { time, event });
    if ("step" in event) this.#staysBounded(this.#copy, event.step);
    if (event.type === "phase.started") this.#undoesAll(this.#copy, event.steps);
  }

  /** A result belongs to something that ran. */
  #hasRun({ step, attempt, outcome }: Extract<ExecutionEvent, { type: "step.finished" }>): void {
    if (outcome?.type !== "exited" && outcome?.type !== "signaled" && outcome?.type !== "answered") return;
    if (this.#oracle.runs.some((run) => run.step === step && run.attempt === attempt)) return;
    throw new Violation("ST3", `"${step}" attempt ${attempt} has a result and never ran`);
  }

  /** What ends as confirmed has nothing left that runs, and `finally` has had its turn unless by force. */
  #mayEnd(copy: EngineState, confirmed: boolean): void {
    const cleans = (this.#plan.finally?.length ?? 0) > 0 && copy.lists.started > 0 && !copy.cancel?.force;
    if (cleans && copy.phase?.name !== "finally")
      throw new Violation("finally", "it ends without cleaning up");
    if (!confirmed) return;
    const run = this.#oracle.runs.find(({ running }) => running);
    if (run)
      throw new Violation("CX2", `ends as confirmed while "${run.step}" attempt ${run.attempt} runs on`);
  }

  #happensTo(copy: EngineState, event: Extract<ExecutionEvent, { step: string }>): void {
    const { step: path } = event;
    const step = copy.steps.get(path);
    if (!step) throw new Violation("G6", `${event.type} of "${path}", which does not exist yet`);
    const mayFollow = event.type === "step.late" || event.type === "locks.released";
    if (isStepTerminal(step.state) && !mayFollow) {
      throw new Violation("G6", `${event.type} of "${path}", which is ${step.state}`);
    }
    if (BEGINNINGS.has(event.type) && !this.#begun.has(path)) {
      this.#begun.add(path);
      this.#mayBegin(copy, path);
    }
    if (event.type === "step.dispatched") mayBeSent(copy, path);
    if (event.type === "step.finished" && event.state === "succeeded") {
      const isWhole = mayHaveInstances(step.block) && placeOf(this.#plan, path)?.instance === undefined;
      if (compensationOf(step.block) && !isWhole) this.#undoable.push(path);
    }
  }

  /** What stands before it in its list has ended well; what stands around it is under way. */
  #mayBegin(copy: EngineState, path: string): void {
    const place = placeOf(this.#plan, path);
    if (!place) throw new Violation("order", `"${path}" is not in the plan`);
    if (copy.locks && copy.locks.status !== "granted") {
      throw new Violation("locks", `"${path}" begins before the execution has its locks and its place`);
    }
    if (copy.cancel && !copy.phase) throw new Violation("CX1", `"${path}" begins after the cancel`);
    if (place.undoes && place.instance === undefined) return this.#mayUndo(copy, path);
    const { step: around, list } = listOf(place);
    for (const before of pathsOfList(this.#plan, around, list)) {
      if (before === path) break;
      const step = copy.steps.get(before);
      if (!step || !isStepTerminal(step.state) || isFailure(step)) {
        throw new Violation("order", `"${path}" begins while "${before}" is ${step?.state}`);
      }
    }
    if (around !== ROOT && isStepTerminal(copy.steps.get(around)?.state ?? "pending")) {
      throw new Violation("order", `"${path}" begins after the end of "${around}"`);
    }
    if (around === ROOT && (copy.phase?.name === "finally") !== (list === 1)) {
      throw new Violation("order", `"${path}" begins in the wrong part of the execution`);
    }
  }

  #mayUndo(copy: EngineState, path: string): void {
    const { phase } = copy;
    if (phase?.name !== "compensating") throw new Violation("saga", `"${path}" undoes too early or too late`);
    for (const before of phase.steps) {
      if (before === path) return;
      const state = copy.steps.get(before)?.state ?? "pending";
      if (!isStepTerminal(state))
        throw new Violation("saga", `"${path}" begins while "${before}" is ${state}`);
    }
    throw new Violation("saga", `"${path}" undoes what did not succeed`);
  }

  /** In reverse order of success, and nothing but what succeeded. */
  #undoes(paths: readonly string[]): void {
    const expected = this.#undoable.toReversed();
    if (JSON.stringify(paths) === JSON.stringify(expected)) return;
    throw new Violation("saga", `undoes ${paths.join(", ")} where ${expected.join(", ")} succeeded`);
  }

  #undoesAll(copy: EngineState, paths: readonly string[]): void {
    for (const path of paths) {
      const undo = compensationPath(this.#plan, path);
      if (undo === undefined || !copy.steps.get(undo)) throw new Violation("saga", `"${path}" is not undone`);
    }
  }

  /** No more lists side by side than the block allows. */
  #staysBounded(copy: EngineState, path: string): void {
    const step = copy.steps.get(path);
    if (!step?.lists) return;
    const { started, ended } = step.lists;
    const { concurrency, total } = policyOf(step);
    if (ended > started || started > total || started - ended > concurrency) {
      throw new Violation("lists", `"${path}" has begun ${started} of ${total} lists, ${ended} have ended`);
    }
    if (!compensationPath(this.#plan, path) && isStepTerminal(step.state) && ended !== started) {
      throw new Violation("lists", `"${path}" has ended before what is in it`);
    }
  }
}

/** Who asks in vain, of an agent that was asked in vain before, does not ask again at once. */
function asksInTime(
  copy: EngineState,
  event: Extract<ExecutionEvent, { type: "lease.requested" }>,
  time: number,
): void {
  const isOfWait = (lease: LeaseRecord) => lease.scope === event.scope && lease.until === event.until;
  const vain = [...copy.leases.values()].filter((lease) => isOfWait(lease) && lease.status === "failed");
  const last = vain.pop();
  if (!last || !vain.some((lease) => agentOf(lease) === agentOf(last))) return;
  if (time < last.requestedAt + ASK_AGAIN_MS) {
    throw new Violation(
      "LS1",
      `${agentOf(last)} declined "${event.scope}" again, and the pool is asked at once`,
    );
  }
}

function agentOf({ agentId, wantedAgentId }: LeaseRecord): string {
  return agentId ?? wantedAgentId ?? "";
}

/** Nothing is sent out in a pause, or after a cancel but what undoes and cleans up. */
function mayBeSent(copy: EngineState, path: string): void {
  if (copy.paused) throw new Violation("pause", `"${path}" is sent out in a pause`);
  if ((copy.cancel || copy.stopping) && !copy.phase) {
    throw new Violation("CX1", `"${path}" is sent out although everything is being stopped`);
  }
}

type Asked = Parameters<typeof refusalOf>[1];

function isAsked(input: EngineInput): input is Asked {
  return ["cancel", "pause", "resume", "skip", "answer"].includes(input.type);
}

function refusedChangesNothing(before: EngineState, decision: Decision, input: Asked): void {
  const refusal = refusalOf(before, input);
  // Time may have passed as well, and an agent be let go for it.
  const changes = decision.events.filter(
    ({ type }) => type !== "lease.released" && type !== "execution.state",
  );
  if (refusal && changes.length > 0) {
    throw new Violation("people", `a ${input.type} that is refused changes something: ${refusal.detail}`);
  }
}

function isCause(event: ExecutionEvent, effect: Effect): boolean {
  switch (effect.type) {
    case "lease.request":
      return event.type === "lease.requested" && event.fence === effect.fence;
    case "lease.release":
      return event.type === "lease.released" && event.fence === effect.fence;
    case "step.start":
    case "edge.request":
      return (
        event.type === "step.dispatched" && event.step === effect.step && event.attempt === effect.attempt
      );
    case "step.cancel":
      return (
        (event.type === "step.stopping" && event.step === effect.step) ||
        (event.type === "cancel.requested" && event.force === true)
      );
    case "child.start":
      return event.type === "step.dispatched" && event.executionId === effect.executionId;
    case "edge.cancel":
      return (
        (event.type === "step.finished" && event.step === effect.step && event.attempt === effect.attempt) ||
        (event.type === "cancel.requested" && event.force === true)
      );
    case "child.cancel":
      return (
        (event.type === "step.stopping" && event.step === effect.step) ||
        (event.type === "cancel.requested" && event.force === true)
      );
    case "targets.resolve":
      return event.type === "step.waiting" && event.step === effect.step && event.wait.for === "targets";
    case "locks.acquire":
      return event.type === "locks.requested" && event.step === effect.step;
    case "locks.release":
      return event.type === "locks.released" && event.step === effect.step;
    case "project":
      return event.type === "execution.finished";
    default:
      return effect satisfies never;
  }
}

/** What the same decision has overtaken need not be said again. */
function isOver(state: EngineState, effect: Effect): boolean {
  if (state.end) return true;
  const step = "step" in effect && effect.step !== ROOT ? state.steps.get(effect.step) : undefined;
  return step !== undefined && isStepTerminal(step.state);
}

/** What an effect is about, as text. */
function keyOf(effect: Effect): string {
  const parts: (string | number)[] = [effect.type];
  if ("step" in effect) parts.push(effect.step);
  if ("attempt" in effect) parts.push(effect.attempt);
  if ("fence" in effect) parts.push(effect.fence);
  if ("executionId" in effect) parts.push(effect.executionId);
  return parts.join(" ");
}

function textOf(state: EngineState): string {
  const { plan, ...rest } = comparable(state);
  return JSON.stringify({ ...rest, open: [...rest.open], openLeases: [...rest.openLeases] });
}
