/** Carries out what the engine asks for, each with whoever does it. */
import type { StepStart } from "#protocol/data.ts";
import { APPROVAL_SIGNATURES_MAX, CANCEL_GRACE_MS, COMMAND_RESEND_MS } from "#protocol/limits.ts";
import type { OfferPayload } from "../pool/contract.ts";
import type { AgentLink } from "./agentLink.ts";
import type { EdgeCalls } from "./edgeCalls.ts";
import type { Effect } from "./engine/inputs.ts";
import { type EngineState, stepsUnder } from "./engine/state.ts";
import type { Outside } from "./outside.ts";

export interface PerformerDeps {
  agents: AgentLink;
  outside: Outside;
  edge: EdgeCalls;
  state(): EngineState;
  /** Brings the index up to date. */
  project(): void;
  background(work: Promise<unknown>): void;
}

export class Performer {
  readonly #deps: PerformerDeps;

  constructor(deps: PerformerDeps) {
    this.#deps = deps;
  }

  perform(effect: Effect): void {
    const { agents, outside, edge, background, project } = this.#deps;
    switch (effect.type) {
      case "lease.release":
        agents.release(effect.fence);
        return background(outside.perform(effect));
      case "lease.request":
      case "targets.resolve":
      case "locks.acquire":
      case "locks.release":
      case "child.start":
      case "child.cancel":
        return background(outside.perform(effect));
      case "edge.request":
        return background(edge.perform(effect));
      case "edge.cancel":
        return edge.cancel(effect);
      case "step.start": {
        const { type: _, ...start } = effect;
        agents.send(effect.fence, startOf(this.#deps.state(), start));
        return;
      }
      case "step.cancel":
        return this.#cancelStep(effect);
      case "project":
        return project();
      default:
        effect satisfies never;
    }
  }

  #cancelStep({ step, attempt, fence, reason }: Extract<Effect, { type: "step.cancel" }>): void {
    const { agents, outside, state, background } = this.#deps;
    const id = `cancel:${step}:${attempt}:${fence}`;
    const graceMs = CANCEL_GRACE_MS;
    const sent = agents.send(fence, { type: "step.cancel", id, step, attempt, reason, graceMs });
    const since = state().steps.get(step)?.stopping?.at ?? 0;
    // A data socket that is only just (re)connecting is told when it says hello. One that stays away may
    // still be in the pool's reach; but then the agent ends the lease and what it has not sent is lost.
    // So the lease is only taken away when nothing else goes on under it.
    const isLast = [...stepsUnder(state(), fence)].every(({ stopping }) => stopping);
    if (!sent && isLast && Date.now() - since >= COMMAND_RESEND_MS) background(outside.revoke(fence));
  }
}

/** What an agent is offered under a fence: the plan, and the first of the steps that wait for it. */
export function offerPayload(state: EngineState, fence: number): OfferPayload | null {
  for (const step of stepsUnder(state, fence)) {
    if (step.stopping) continue;
    const { path, attempt, inputs } = step;
    const { plan, planDigest } = state;
    return { plan, planDigest, firstStep: startOf(state, { step: path, attempt, fence, inputs }) };
  }
  return null;
}

function startOf(state: EngineState, start: Omit<StepStart, "type" | "id">): StepStart {
  const id = `start:${start.step}:${start.attempt}:${start.fence}`;
  const approvals = approvalsIn(state);
  return { type: "step.start", id, ...start, ...(approvals.length > 0 && { approvals }) };
}

/** The signatures that approvers have given to the plan so far. */
function approvalsIn({ steps }: EngineState): string[] {
  const given: string[] = [];
  for (const { block, answers = [] } of steps.values()) {
    if (block.kind !== "approval") continue;
    for (const { answer, signature } of answers) {
      if (answer === "approve" && signature !== undefined) given.push(signature);
    }
  }
  return given.slice(-APPROVAL_SIGNATURES_MAX);
}
