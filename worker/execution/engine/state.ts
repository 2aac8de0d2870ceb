/**
 * What an execution is, as the fold of its event log over its plan. Steps are
 * keyed by path: today a block's name, later with the branch, iteration or
 * target it runs under.
 */
import type { Actor, Trigger } from "#protocol/actor.ts";
import type { QueuePlace } from "#protocol/api/executions.ts";
import type { AttemptOutcome, StreamSummary } from "#protocol/data.ts";
import type { Plan } from "#protocol/plan.ts";
import type { Block } from "#protocol/runbook/document.ts";
import type { ExecutionState, StepState, TerminalExecutionState } from "#protocol/states.ts";
import type { StepTable } from "./stepTable.ts";

export interface Streams {
  stdout: StreamSummary;
  stderr: StreamSummary;
}

export interface StepRecord {
  readonly path: string;
  readonly block: Block;
  readonly state: StepState;
  /** 0 until it is dispatched. */
  readonly attempt: number;
  /** The fence of the lease it was dispatched under. */
  readonly fence?: number;
  /** Everything below is by the coordinator's clock, ms since the epoch. */
  readonly dispatchedAt?: number;
  readonly startedAt?: number;
  readonly unreachableAt?: number;
  /** Set from the moment it was asked to stop. */
  readonly stopping?: { readonly reason: "canceled" | "timed_out"; readonly at: number };
  readonly finishedAt?: number;
  readonly durationMs?: number;
  readonly outcome?: AttemptOutcome;
  readonly detail?: string;
  readonly streams?: Streams;
  readonly leakedOutput?: boolean;
}

/**
 * One request for an agent's slot and what became of it. `requested`: the pool
 * has not answered. `queued`: nobody is free. `granted`: offered to an agent,
 * which may have begun. `failed`: nothing was started. `released`: over.
 */
export interface LeaseRecord {
  readonly id: string;
  readonly fence: number;
  readonly status: "requested" | "queued" | "granted" | "failed" | "released";
  readonly requestedAt: number;
  readonly grantedAt?: number;
  readonly agentId?: string;
  readonly agentName?: string;
  readonly queue?: Readonly<QueuePlace>;
}

export interface EngineState {
  readonly plan: Plan;
  readonly state: ExecutionState;
  readonly createdAt: number;
  readonly planDigest: string;
  readonly trigger: Trigger;
  readonly actor: Actor;
  /** In the order in which they run. */
  readonly steps: StepTable;
  /** By fence; the last one is the current one. */
  readonly leases: readonly LeaseRecord[];
  /** Reports that came too late to count, as `lateKey`s. */
  readonly late: readonly string[];
  readonly cancel?: { readonly actor: Actor; readonly reason: string; readonly at: number };
  readonly end?: {
    readonly state: TerminalExecutionState;
    readonly at: number;
    readonly confirmed: boolean;
    readonly detail?: string;
  };
}

/** The newest lease; older ones have lower fences and no say. */
export function currentLease(state: EngineState): LeaseRecord | undefined {
  return state.leases.at(-1);
}

/** True while the lease may still become or be an agent's. */
export function isLeaseOpen(lease: LeaseRecord | undefined): lease is LeaseRecord {
  return lease !== undefined && lease.status !== "failed" && lease.status !== "released";
}

/** The step that is out with an agent, if one is. */
export function activeStep(state: EngineState): StepRecord | undefined {
  for (const step of state.steps.values()) {
    if (step.state === "dispatched" || step.state === "running" || step.state === "unreachable") return step;
  }
  return undefined;
}

/** Names a late report, so that its repeats are not recorded again. */
export function lateKey(report: { step: string; attempt: number; fence: number }): string {
  return `${report.step}#${report.attempt}#${report.fence}`;
}
