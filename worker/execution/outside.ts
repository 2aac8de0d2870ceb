/**
 * What the engine asks of other objects: agents' pools, the organization's
 * locks, other executions. Every call may be repeated, and its answer comes
 * back to the engine as an input.
 */

import { CHILD_EXECUTIONS_MAX } from "#protocol/limits.ts";
import { type Plan, planDigest } from "#protocol/plan.ts";
import { isExecutionTerminal } from "#protocol/states.ts";
import type { Env } from "../env.ts";
import type { LockReply } from "../locks/contract.ts";
import { type LeaseReply, poolObjectName } from "../pool/contract.ts";
import { type CreateExecution, coordinatorName } from "./contract.ts";
import { waitingIn } from "./engine/agents.ts";
import type { Effect, EngineInput } from "./engine/inputs.ts";
import type { EngineState } from "./engine/state.ts";
import { offerPayload } from "./performer.ts";
import { buildChildPlan, CHILD_DEPTH_MAX } from "./plan.ts";

export type OutsideEffect = Extract<
  Effect,
  {
    type:
      | "lease.request"
      | "lease.release"
      | "targets.resolve"
      | "locks.acquire"
      | "locks.release"
      | "child.start"
      | "child.cancel";
  }
>;

export interface OutsideDeps {
  env: Env;
  record(): CreateExecution;
  state(): EngineState;
  decide(input: EngineInput): void;
}

/** What an execution is told by the one that started it. */
export function canceledByParent(force: boolean): EngineInput {
  const actor = { type: "system", name: "the execution that started it" } as const;
  return { type: "cancel", actor, reason: "canceled with the execution that started it", force };
}

/** What it cannot be made of now it can never be made of: the step is told instead of trying again. */
async function planChild(
  plan: Plan,
  block: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<{ plan: Plan; planDigest: string } | { detail: string }> {
  try {
    const stamp = { nonce: crypto.randomUUID(), now: Date.now() };
    const result = buildChildPlan(plan, block, parameters, stamp);
    if (!result.ok) return { detail: result.detail };
    return { plan: result.plan, planDigest: await planDigest(result.plan) };
  } catch (error) {
    return { detail: `no plan can be made of it: ${error instanceof Error ? error.message : error}` };
  }
}

export class Outside {
  readonly #deps: OutsideDeps;

  constructor(deps: OutsideDeps) {
    this.#deps = deps;
  }

  async perform(effect: OutsideEffect): Promise<void> {
    switch (effect.type) {
      case "lease.request":
        return this.#requestLease(effect.leaseId, effect.fence);
      case "lease.release": {
        const { leaseId, fence, reason } = effect;
        await this.#poolOf(fence)?.releaseLease(leaseId, fence, reason);
        return;
      }
      case "targets.resolve": {
        const { step, poolId, labels } = effect;
        const agents = await this.#pool(poolId).matching({ ...labels });
        return this.#deps.decide({ type: "targets.resolved", step, agents });
      }
      case "locks.acquire":
        return this.#acquireLocks(effect.step);
      case "locks.release":
        return this.#locks().releaseLocks(this.#deps.record().executionId, effect.step);
      case "child.start":
        return this.#startChild(effect);
      case "child.cancel": {
        const { step, executionId, force } = effect;
        if (await this.#coordinator(executionId).cancelChild(force)) return;
        const detail = "it was canceled before it began";
        return this.#deps.decide({ type: "child.finished", step, executionId, state: "canceled", detail });
      }
      default:
        effect satisfies never;
    }
  }

  /** Tells the pool that a lease is to be taken from its agent, who cannot be reached here. */
  async revoke(fence: number): Promise<void> {
    const lease = this.#deps.state().leases.get(fence);
    if (lease) await this.#poolOf(fence)?.releaseLease(lease.id, fence, "canceled");
  }

  /** Tells the execution that started this one how it ended. */
  async tellParent(): Promise<void> {
    const { parent, end } = this.#deps.state();
    if (!parent || !end) return;
    const { executionId } = this.#deps.record();
    const { state, detail } = end;
    await this.#coordinator(parent.executionId).childFinished(parent.step, executionId, state, detail);
  }

  /** Cancels this execution when the one that started it waits for it no longer: that word may have been lost. */
  async askParent(): Promise<void> {
    const { parent, end, cancel } = this.#deps.state();
    if (!parent || end || cancel) return;
    const { executionId } = this.#deps.record();
    const wanted = await this.#coordinator(parent.executionId).wantsChild(parent.step, executionId);
    if (!wanted) this.#deps.decide(canceledByParent(false));
  }

  async #requestLease(leaseId: string, fence: number): Promise<void> {
    const lease = this.#deps.state().leases.get(fence);
    const payload = offerPayload(this.#deps.state(), fence);
    // With nothing to ride on the offer it is asked for all the same when steps wait to see their agent.
    const isWanted = payload !== null || (lease && !waitingIn(this.#deps.state(), lease.scope).next().done);
    if (!lease || !isWanted) return;
    const { executionId } = this.#deps.record();
    const { labels, wantedAgentId, until } = lease;
    const request = { leaseId, executionId, fence, labels: { ...labels }, wantedAgentId, until };
    const answer: LeaseReply = await this.#pool(lease.poolId).requestLease(request, payload);
    const { decide } = this.#deps;
    switch (answer.outcome) {
      case "offered": {
        const { agentId, agentName, labels } = answer;
        return decide({ type: "lease.granted", fence, agentId, agentName, labels });
      }
      case "queued": {
        const { ahead, reason, detail } = answer;
        return decide({ type: "lease.queued", fence, ahead, reason, detail });
      }
      case "over":
        return;
      case "hopeless":
        return decide({ type: "lease.failed", fence, reason: answer.reason, retry: false });
      default:
        answer satisfies never;
    }
  }

  async #acquireLocks(step: string): Promise<void> {
    const { plan, steps, locks: whole } = this.#deps.state();
    const record = step === "" ? whole : steps.get(step)?.locks;
    if (!record || record.status === "granted") return;
    const { executionId } = this.#deps.record();
    const { locks, slot = false } = record;
    const reply = await this.#locks().acquireLocks({ executionId, step, title: plan.title, locks, slot });
    this.locksStand(step, reply);
  }

  locksStand(step: string, reply: LockReply): void {
    if (reply.outcome === "granted") this.#deps.decide({ type: "locks.granted", step, fences: reply.fences });
    else {
      const { ahead, holder, reason } = reply;
      this.#deps.decide({ type: "locks.queued", step, ahead, holder, reason });
    }
  }

  async #startChild({ step, executionId, inputs }: Extract<Effect, { type: "child.start" }>): Promise<void> {
    const { plan, parent, steps } = this.#deps.state();
    const block = steps.get(step)?.block;
    if (block?.kind !== "runbook") return;
    const written = Object.entries(block.parameters ?? {}).filter(([, value]) => typeof value !== "object");
    const worked = Object.entries(inputs).map(([place, value]) => [place.slice("parameters/".length), value]);
    const parameters = Object.fromEntries([...written, ...worked]);
    const own = this.#deps.record();
    const fail = (detail: string) =>
      this.#deps.decide({ type: "child.finished", step, executionId, state: "failed", detail });
    const depth = (parent?.depth ?? 0) + 1;
    if (depth > CHILD_DEPTH_MAX) return fail(`runbooks may start each other ${CHILD_DEPTH_MAX} deep`);
    const planned = await planChild(plan, block.id, parameters);
    if ("detail" in planned) return fail(planned.detail);
    const root = parent?.root ?? parent?.executionId ?? own.executionId;
    if (!(await this.#coordinator(root).admitChild(executionId))) {
      return fail(`an execution may start at most ${CHILD_EXECUTIONS_MAX} others, all levels together`);
    }
    const created = await this.#coordinator(executionId).create({
      executionId,
      requestHash: `${own.executionId}/${step}`,
      ...planned,
      trigger: { type: "parent", executionId: own.executionId },
      actor: own.actor,
      requesterId: own.requesterId,
      requestId: own.requestId,
      parent: { executionId: own.executionId, step, depth, root },
    });
    // Its cancel was faster.
    if (created.outcome === "conflict") {
      return this.#deps.decide({ type: "child.finished", step, executionId, state: "canceled" });
    }
    this.#deps.decide({ type: "child.started", step, executionId });
    const { state } = created.execution;
    // Asked again after its word was lost: it may have ended long ago.
    if (isExecutionTerminal(state)) this.#deps.decide({ type: "child.finished", step, executionId, state });
  }

  #poolOf(fence: number) {
    const lease = this.#deps.state().leases.get(fence);
    return lease && this.#pool(lease.poolId);
  }

  #pool(poolId: string) {
    return this.#deps.env.AGENT_POOL.getByName(poolObjectName(this.#organizationId, poolId));
  }

  #locks() {
    return this.#deps.env.ORGANIZATION_LOCKS.getByName(this.#organizationId);
  }

  #coordinator(executionId: string) {
    return this.#deps.env.EXECUTION_COORDINATOR.getByName(coordinatorName(this.#organizationId, executionId));
  }

  get #organizationId(): string {
    return this.#deps.state().plan.organizationId;
  }
}
