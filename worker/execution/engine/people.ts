/** What people may do to an execution, and why not. Asked before the engine is. */
import { asksForApproval } from "#protocol/approvals.ts";
import type { ApprovalBlock, InstructionBlock } from "#protocol/blocks/index.ts";
import type { ErrorCode } from "#protocol/errors.ts";
import type { Wait } from "#protocol/events.ts";
import { checkParameters } from "#protocol/runbook/parameters.ts";
import { isStepTerminal } from "#protocol/states.ts";
import type { EngineInput, Person } from "./inputs.ts";
import { type EngineState, noRoomFor, type StepRecord } from "./state.ts";

export interface Refusal {
  code: ErrorCode;
  detail: string;
}

type Asked = Extract<EngineInput, { type: "cancel" | "pause" | "resume" | "skip" | "answer" }>;

const BEING_CANCELED = "This execution is being canceled; it can only be canceled by force.";

/** Why this cannot be done now, in words that say what can; undefined when it can. */
export function refusalOf(state: EngineState, input: Asked): Refusal | undefined {
  if (state.end)
    return wrongState(
      `This execution has ended (${state.end.state}); it never changes again. Retry it instead.`,
    );
  switch (input.type) {
    case "cancel":
      return undefined;
    case "pause":
      if (state.paused) return wrongState("This execution is paused already. Resume or cancel it.");
      return state.cancel ? wrongState(BEING_CANCELED) : undefined;
    case "resume":
      if (state.paused) return undefined;
      if (state.cancel) return wrongState(BEING_CANCELED);
      return wrongState(`This execution is not paused but ${state.state}; it can be paused or canceled.`);
    case "skip":
      return skipRefusal(state, input.step);
    case "answer":
      return answerRefusal(state, input);
    default:
      return input satisfies never;
  }
}

function skipRefusal(state: EngineState, path: string): Refusal | undefined {
  const step = state.steps.get(path);
  if (!step) return noStep(path);
  if (step.state !== "waiting") return wrongStep(step);
  if (!asksForApproval(state.plan, step.block)) return undefined;
  return step.block.kind === "approval"
    ? wrongState("An approval cannot be skipped: approve or reject it, or cancel the execution.")
    : wrongState(`Step "${path}" asks for an approval, so it cannot be skipped.`);
}

const WAITS = {
  acknowledge: "acknowledgement",
  approve: "approval",
  reject: "approval",
  confirm: "confirmation",
} as const;

function answerRefusal(state: EngineState, input: Extract<Asked, { type: "answer" }>): Refusal | undefined {
  const step = state.steps.get(input.step);
  if (!step) return noStep(input.step);
  const rejectsConfirmation = input.answer === "reject" && step.wait?.for === "confirmation";
  if (step.wait?.for !== WAITS[input.answer] && !rejectsConfirmation) return wrongStep(step);
  const noRoom = noRoomFor(state, input.values);
  if (noRoom !== undefined)
    return { code: "invalid_parameters", detail: `There is no room for this answer: ${noRoom}.` };
  if (step.block.kind === "approval") {
    return approvalRefusal(state, step, step.block, input) ?? formRefusal(step.block, input);
  }
  return step.block.kind === "instruction" ? formRefusal(step.block, input) : undefined;
}

/** The step's state, and what can be done to it. */
function wrongStep({ path, state, wait }: StepRecord): Refusal {
  const name = `Step "${path}"`;
  if (isStepTerminal(state)) return wrongState(`${name} has ended (${state}); it never changes again.`);
  if (state === "pending") return wrongState(`${name} is pending; it has not had its turn yet.`);
  if (!wait) {
    return wrongState(`${name} is ${state} and waits for nobody; to stop it, cancel the execution.`);
  }
  return wrongState(`${name} is ${state} and waits for ${wait.for}; it can be ${allowedIn(wait)}.`);
}

function allowedIn(wait: Wait): string {
  switch (wait.for) {
    case "acknowledgement":
      return "acknowledged or skipped";
    case "approval":
      return "approved or rejected";
    case "confirmation":
      return "confirmed, rejected or skipped";
    case "agent":
    case "batch":
    case "locks":
    case "resume":
    case "retry":
    case "targets":
    case "time":
      return "skipped";
    default:
      return wait satisfies never;
  }
}

function approvalRefusal(
  state: EngineState,
  step: StepRecord,
  block: ApprovalBlock,
  { answer, person, planDigest }: Extract<Asked, { type: "answer" }>,
): Refusal | undefined {
  if (answer === "approve" && planDigest !== state.planDigest) {
    return {
      code: "conflict",
      detail: `This approval is for another plan. The digest of this one is ${state.planDigest}.`,
    };
  }
  if (person.actor.type !== "user") return forbidden("Approvals are given by people, not by keys.");
  if (isRequester(state, person) && !block.allowRequester) {
    return forbidden(
      "Whoever started an execution can neither approve nor reject it. Ask somebody else, or cancel it.",
    );
  }
  if (!mayApprove(block, person)) {
    const who = [...(block.from?.people ?? []), ...(block.from?.roles ?? []).map((role) => `role ${role}`)];
    return forbidden(`This approval is for others to give: ${who.join(", ")}.`);
  }
  const given = step.answers?.some(({ actor }) => actor.type === "user" && actor.id === idOf(person));
  return given
    ? { code: "conflict", detail: "You have answered this approval already; it counts once." }
    : undefined;
}

function idOf({ actor }: Person): string | undefined {
  return "id" in actor ? actor.id : undefined;
}

function isRequester({ actor, requesterId }: EngineState, person: Person): boolean {
  const requesters = [requesterId, "id" in actor ? actor.id : undefined];
  return requesters.some((id) => id !== undefined && (id === idOf(person) || person.names.includes(id)));
}

function mayApprove({ from }: ApprovalBlock, person: Person): boolean {
  if (!from) return true;
  const named = from.people?.some((name) => person.names.includes(name.toLowerCase()));
  return (named ?? false) || (from.roles?.some((role) => person.roles.includes(role)) ?? false);
}

function formRefusal(
  block: ApprovalBlock | InstructionBlock,
  { answer, values, note }: Extract<Asked, { type: "answer" }>,
): Refusal | undefined {
  if (block.kind === "instruction" && block.noteRequired && !note?.trim()) {
    return { code: "invalid_parameters", detail: "This step asks for a note as evidence." };
  }
  if (answer === "reject") return undefined;
  const check = checkParameters(block.form ?? [], values ?? {});
  if (check.ok) return undefined;
  return {
    code: "invalid_parameters",
    detail: `${check.problems.map(({ message }) => message).join("; ")}.`,
  };
}

function noStep(path: string): Refusal {
  return { code: "not_found", detail: `This execution has no step "${path.slice(0, 100)}" yet.` };
}

function wrongState(detail: string): Refusal {
  return { code: "invalid_state", detail };
}

function forbidden(detail: string): Refusal {
  return { code: "forbidden", detail };
}
