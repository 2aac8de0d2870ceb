/**
 * Promise S6: whether a step may run here, by signatures of people whose keys
 * this host pinned. Whoever runs the control plane has no say in it. Pure.
 */
import type { Plan } from "#protocol/plan.ts";
import type { AgentBlock, Texts } from "../job/values.ts";
import { approvalProblem } from "./approver.ts";
import { authorsOf } from "./author.ts";
import { inputProblem } from "./inputs.ts";
import { type PinnedKeys, pinKeys } from "./pinned.ts";
import { type Refusal, required } from "./refusal.ts";
import { isAsked, type SignatureRequirement } from "./requirement.ts";
import { succeededProblem } from "./success.ts";
import { type Self, targetProblem } from "./target.ts";

export interface SignedStep {
  plan: Plan;
  executionId: string;
  step: string;
  attempt: number;
  block: AgentBlock;
  texts: Texts;
  approvals: readonly string[];
  /** What this agent remembers of the plan, by its nonce. */
  memory: PlanMemory | undefined;
  now: number;
}

/** What is kept of a plan until it expires, so that nothing of it runs twice. */
export interface PlanMemory {
  execution: string;
  /** Attempts that were begun: `step#attempt`. */
  begun: ReadonlySet<string>;
  /** Steps that have done what they should. */
  succeeded: ReadonlySet<string>;
}

export class SignatureGuard {
  readonly #requirement: SignatureRequirement;
  readonly #keys: PinnedKeys;
  readonly #self: Self;

  /** @throws the system's error for a pinned key that is none */
  constructor(requirement: SignatureRequirement, self: Self) {
    this.#requirement = requirement;
    this.#keys = pinKeys(requirement);
    this.#self = self;
  }

  /** True when approvals are asked for: then what ran of a plan has to be remembered. */
  get remembers(): boolean {
    return isAsked(this.#requirement, "approver");
  }

  /** Why this step does not run here; undefined when it may. */
  problem(asked: SignedStep): Refusal | undefined {
    if (this.#requirement.by === "none") return undefined;
    const { plan, step, block, texts, approvals, executionId, now } = asked;
    const author = isAsked(this.#requirement, "author") ? authorsOf(plan, this.#keys, now) : undefined;
    if (author && "code" in author) return author;
    if (isAsked(this.#requirement, "approver")) {
      const question = { plan, executionId, step, approvals, authors: author, now };
      const problem = approvalProblem(question, this.#keys);
      if (problem) return problem;
    }
    return targetProblem(plan, step, this.#self) ?? repeatProblem(asked) ?? inputProblem(block, texts, plan);
  }
}

function repeatProblem({ memory, executionId, step, attempt, block }: SignedStep): Refusal | undefined {
  const most = block.retry?.maxAttempts ?? 1;
  if (attempt > most) {
    return required(`this is attempt ${attempt} of "${step}", and what was signed allows ${most}`);
  }
  const refuse = (detail: string): Refusal => ({ ok: false, code: "replayed", detail });
  if (!memory) return undefined;
  if (memory.execution !== executionId) return refuse(`this plan ran here as ${memory.execution} already`);
  if (memory.begun.has(`${step}#${attempt}`))
    return refuse(`attempt ${attempt} of "${step}" ran here already`);
  return succeededProblem(memory, step);
}
