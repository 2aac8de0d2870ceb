import type { ExecutionEvent } from "#protocol/events.ts";
import { ancestorsOf, pathsOfList, ROOT } from "#protocol/paths.ts";
import type { EngineState } from "./state.ts";

/**
 * The steps of which an event changes something that people see: its own, those
 * around it, which count what is in them, and those that a list or a phase
 * brings into being.
 */
export function* touchedBy(state: EngineState, event: ExecutionEvent): Generator<string> {
  const isLease =
    event.type === "lease.queued" || event.type === "lease.granted" || event.type === "lease.failed";
  if (isLease || event.type === "lease.released") yield* stepsUnderLease(state, event.fence);
  if (event.type === "phase.started") yield* state.phase?.steps ?? [];
  if (!("step" in event) || event.step === ROOT) {
    if (event.type === "list.started") yield* pathsOfList(state.plan, ROOT, event.list);
    return;
  }
  yield event.step;
  yield* ancestorsOf(state.plan, event.step);
  // The step that stands for all agents of its target is around each of them.
  const group = event.step.lastIndexOf("~");
  if (group > 0) yield event.step.slice(0, group);
  if (event.type === "list.started") yield* pathsOfList(state.plan, event.step, event.list);
}

/** What went out under a lease, even if it has ended; what was taken back no longer names it, and waits. */
function* stepsUnderLease(state: EngineState, fence: number): Generator<string> {
  for (const step of state.steps.values()) {
    if (step.fence === fence || step.wait?.for === "agent") yield step.path;
  }
}
