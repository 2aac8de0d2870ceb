/** What an agent takes on, decided before anything is written or spawned. Pure. */
import type { LeaseOffer } from "#protocol/control.ts";
import type { StepInputs } from "#protocol/data.ts";
import { OUTPUT_DEFAULT_BYTES } from "#protocol/limits.ts";
import { blockAt } from "#protocol/paths.ts";
import type { Plan } from "#protocol/plan.ts";
import { digestOfPlan } from "../planDigest.ts";
import { blockProblems, type HostFacts } from "../policy/judge.ts";
import { withinLimits } from "../policy/limits.ts";
import type { Policy } from "../policy/policy.ts";
import type { PlanMemory, SignatureGuard } from "../signatures/guard.ts";
import { type AgentBlock, isAgentBlock, settleValues, type Texts } from "./values.ts";

/** Ids become file names and parts of URLs: nothing else is let in. */
const SAFE_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Free bytes that must be left on the spool's disk before something new is started. */
export const SPOOL_RESERVE_BYTES = 64 * 1024 * 1024;

/** Why this offer cannot be taken whatever the agent is doing, in words; undefined when it can. */
export function planProblem(offer: LeaseOffer, now: number): string | undefined {
  const { lease, plan, firstStep } = offer;
  if (!SAFE_ID.test(lease.id) || !SAFE_ID.test(lease.executionId)) return "the lease has a malformed id";
  if (firstStep.fence !== lease.fence) return "the first step is not of this lease's fence";
  if (plan.expiresAt <= now) return expiredWords(plan);
  if (digestOfPlan(plan) !== offer.planDigest) {
    return "the plan does not match its digest: it was changed on its way";
  }
  return undefined;
}

export type StepAdmission =
  | { ok: true; block: AgentBlock; texts: Texts; outputLimit: number }
  | { ok: false; code: string; detail: string };

export interface StepQuestion {
  /** Undefined after a restart that found no plan on disk. */
  plan: Plan | undefined;
  executionId: string;
  step: string;
  attempt: number;
  inputs: StepInputs | undefined;
  /** Signatures of approvers that came with the start. */
  approvals: readonly string[];
  guard: SignatureGuard;
  /** What this agent remembers of the plan. */
  memory: PlanMemory | undefined;
  fence: number;
  leaseFence: number;
  /** A newer lease of this execution exists (LS2). */
  stale: boolean;
  now: number;
  freeBytes: number;
  policy: Policy;
  host: HostFacts;
  /** What is left of the room that this host allows the output of steps. */
  spoolRoom: number;
}

/** May this step start here and now? */
export function admitStep(question: StepQuestion): StepAdmission {
  const { plan, step, fence, leaseFence, stale, now, freeBytes } = question;
  const refuse = (code: string, detail: string): StepAdmission => ({ ok: false, code, detail });
  if (stale || fence !== leaseFence) {
    return refuse(
      "stale_fence",
      `the step is of fence ${fence}, this lease is of ${leaseFence} and may be over`,
    );
  }
  if (!plan) return refuse("no_plan", "the agent was restarted and no longer has the plan of this execution");
  if (plan.expiresAt <= now) return refuse("plan_expired", expiredWords(plan));
  const block = blockAt(plan, step);
  if (!block) return refuse("not_in_plan", `the plan has no block at "${step}"`);
  if (!isAgentBlock(block)) return refuse("not_runnable", `an agent does not run ${block.kind} blocks`);
  if (block.kind === "api" && block.from === "edge") {
    return refuse("not_runnable", "by the plan, the control plane makes this request itself");
  }
  const settled = settleValues(block, question.inputs);
  if (!settled.ok) return settled;
  const { policy, host } = question;
  // A working directory is judged again once it is open: what leads there may change until then.
  const [problem] = blockProblems(policy, { block, runbook: plan, host, url: settled.texts.get("url") });
  if (problem !== undefined) return refuse("policy", problem);
  const { executionId, attempt, approvals, guard, memory } = question;
  const { texts } = settled;
  const asked = { plan, executionId, step, attempt, block, texts, approvals, memory, now };
  const unsigned = guard.problem(asked);
  if (unsigned) return unsigned;
  if (freeBytes < SPOOL_RESERVE_BYTES) {
    return refuse("spool_full", "too little room on this host's disk to keep the step's output");
  }
  const limited = withinLimits(policy, block);
  const outputLimit = limited.outputLimitBytes ?? OUTPUT_DEFAULT_BYTES;
  if (outputLimit > question.spoolRoom) {
    const detail =
      "the steps on this host may fill no more of its disk with output: try again when others have ended, or give the block a lower output limit";
    return refuse("spool_full", detail);
  }
  return { ok: true, block: limited, texts, outputLimit };
}

function expiredWords(plan: Plan): string {
  return `the plan expired at ${new Date(plan.expiresAt).toISOString()} by this host's clock`;
}
