/**
 * What an execution is, as the fold of its event log over its plan. Steps are
 * keyed by path (`protocol/paths.ts`); a step exists from the moment on at
 * which the list it stands in has its turn.
 */
import type { Actor, Trigger } from "#protocol/actor.ts";
import type { QueuePlace } from "#protocol/api/executions.ts";
import type { Block } from "#protocol/blocks/index.ts";
import type { AttemptOutcome, StepInputs, StepUsage, StepValues, StreamSummary } from "#protocol/data.ts";
import type { ExecutionEvent, TakenOver, Wait } from "#protocol/events.ts";
import { jsonBytes } from "#protocol/json.ts";
import { HELD_MAX_BYTES } from "#protocol/limits.ts";
import type { Plan } from "#protocol/plan.ts";
import type { ExecutionState, StepState, TerminalExecutionState } from "#protocol/states.ts";
import type { Declined } from "./declines.ts";
import type { Table } from "./table.ts";

export interface Streams {
  stdout: StreamSummary;
  stderr: StreamSummary;
}

export type Over = Extract<ExecutionEvent, { type: "step.expanded" }>["over"];

export type AgentsOver = Extract<Over, { type: "agents" }>["agents"];

export interface Answer {
  readonly answer: "acknowledge" | "approve" | "reject" | "confirm";
  readonly actor: Actor;
  readonly at: number;
  readonly note?: string;
  /** The approver's own over the plan. */
  readonly signature?: string;
}

/** How far a step has come with the lists of steps inside it. */
export interface Lists {
  readonly started: number;
  readonly ended: number;
  /** Lists in which a step failed whose failure is not tolerated. */
  readonly failed: number;
}

export interface StepRecord {
  readonly path: string;
  readonly block: Block;
  readonly state: StepState;
  /** 0 until it is first dispatched or begun. */
  readonly attempt: number;
  /** The fence of the lease it was dispatched under. */
  readonly fence?: number;
  /** Everything below is by the coordinator's clock, ms since the epoch. */
  readonly begunAt?: number;
  readonly dispatchedAt?: number;
  readonly startedAt?: number;
  readonly unreachableAt?: number;
  /** When its agent was last back within reach. */
  readonly contactAt?: number;
  /** What it waits for, while its state is `waiting`. */
  readonly wait?: Wait;
  readonly answers?: readonly Answer[];
  /** The locks of its block: asked for, then held with these fences. */
  readonly locks?: LockRecord;
  /** Set from the moment it was asked to stop. */
  readonly stopping?: { readonly reason: "canceled" | "timed_out"; readonly at: number };
  /** Nobody knows that everything an earlier attempt started is gone. */
  readonly doubtful?: boolean;
  readonly finishedAt?: number;
  readonly durationMs?: number;
  readonly outcome?: AttemptOutcome;
  readonly detail?: string;
  readonly streams?: Streams;
  readonly leakedOutput?: boolean;
  readonly usage?: StepUsage;
  readonly inputs?: StepInputs;
  readonly values?: StepValues;
  readonly reused?: boolean;
  /** Of a step with others inside it. */
  readonly lists?: Lists;
  readonly over?: Over;
  /** The execution that a `runbook` block started. */
  readonly executionId?: string;
}

export interface LockRecord {
  readonly status: "requested" | "queued" | "granted";
  readonly at: number;
  readonly locks: readonly { readonly name: string; readonly mode: "shared" | "exclusive" }[];
  /** A place among the executions that the organization runs at once is part of it. */
  readonly slot?: true;
  readonly fences?: Readonly<Record<string, number>>;
  readonly queue?: {
    readonly ahead: number;
    readonly holder: string;
    readonly reason?: "organization_full";
  };
}

/**
 * One request for an agent's slot and what became of it. `requested`: the pool
 * has not answered. `queued`: nobody is free. `granted`: offered to an agent,
 * which may have begun. `failed`: nothing was started. `released`: over.
 */
export interface LeaseRecord {
  readonly id: string;
  readonly fence: number;
  readonly scope: string;
  readonly poolId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Only this agent will do. */
  readonly wantedAgentId?: string;
  readonly status: "requested" | "queued" | "granted" | "failed" | "released";
  readonly requestedAt: number;
  /** When the wait for it is over. */
  readonly until: number;
  readonly grantedAt?: number;
  readonly agentId?: string;
  readonly agentName?: string;
  readonly queue?: QueuePlace;
}

/** The steps that share an agent, and which one it is; remembered from lease to lease. */
export interface ScopeRecord {
  /** The fence of its open lease. */
  readonly fence?: number;
  /** Of the wait that is on, or was last: agents that did not take it. */
  readonly declined?: Declined;
  /** Something has begun there: from now on only this agent will do. */
  readonly settled?: boolean;
  readonly agent?: {
    readonly id: string;
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

export interface Ending {
  readonly state: TerminalExecutionState;
  readonly detail?: string;
}

export interface EngineState {
  readonly plan: Plan;
  readonly state: ExecutionState;
  readonly createdAt: number;
  readonly planDigest: string;
  readonly trigger: Trigger;
  readonly actor: Actor;
  readonly requesterId?: string;
  readonly lineage?: Extract<ExecutionEvent, { type: "execution.created" }>["lineage"];
  readonly parent?: Extract<ExecutionEvent, { type: "execution.created" }>["parent"];
  readonly taken?: TakenOver;
  /** In the order in which they came to be. */
  readonly steps: Table<string, StepRecord>;
  /** Paths of the steps that have begun and not ended. */
  readonly open: ReadonlySet<string>;
  /** By fence. */
  readonly leases: Table<number, LeaseRecord>;
  readonly openLeases: ReadonlySet<number>;
  readonly scopes: Table<string, ScopeRecord>;
  /** How the execution's own two lists are doing. */
  readonly lists: Lists;
  /** The locks of the whole execution, and its place in the organization. */
  readonly locks?: LockRecord;
  /** Succeeded steps that have a compensation, in the order in which they ended. */
  readonly undoable: readonly string[];
  /** The first failure at the top level that is not tolerated. */
  readonly failure?: { readonly step: string; readonly state: StepState; readonly detail?: string };
  readonly phase?: {
    readonly name: "compensating" | "finally";
    readonly steps: readonly string[];
    readonly ending: Ending;
    /** When it began, or went on after a pause. */
    readonly since: number;
    /** How many steps there were before its own. */
    readonly stepsBefore: number;
  };
  /** Bytes, as JSON, of the values, inputs, items and agents of all steps. */
  readonly heldBytes: number;
  /** Reports that came too late to count, as `lateKey`s. */
  readonly late: readonly string[];
  readonly paused?: {
    readonly actor: Actor;
    readonly reason: string;
    readonly at: number;
    readonly until: number;
  };
  readonly cancel?: {
    readonly actor: Actor;
    readonly reason: string;
    readonly at: number;
    readonly force: boolean;
  };
  readonly stopping?: { readonly reason: "timed_out"; readonly at: number };
  readonly end?: Ending & { readonly at: number; readonly confirmed: boolean };
}

/** Why the steps of an execution cannot hold this as well; undefined when they can. */
export function noRoomFor({ heldBytes }: EngineState, data: unknown): string | undefined {
  if (data === undefined || heldBytes + jsonBytes(data) <= HELD_MAX_BYTES) return undefined;
  return `the values, inputs and lists of all steps of an execution may have ${HELD_MAX_BYTES / 1024 / 1024} MiB together; hand on less, or split the work`;
}

/** True while the lease may still become or be an agent's. */
export function isLeaseOpen(lease: LeaseRecord | undefined): lease is LeaseRecord {
  return lease !== undefined && lease.status !== "failed" && lease.status !== "released";
}

/** The steps that have begun and not ended. */
export function* openSteps(state: EngineState): Generator<StepRecord> {
  for (const path of state.open) {
    const step = state.steps.get(path);
    if (step) yield step;
  }
}

/** True for a step that is out: with an agent, at the edge or in another execution. */
export function isOut(step: StepRecord): boolean {
  if (step.lists) return false;
  return step.state === "dispatched" || step.state === "running" || step.state === "unreachable";
}

/** True for an end that stops what comes after it. */
export function isFailure(step: StepRecord): boolean {
  const bad =
    step.state === "failed" ||
    step.state === "timed_out" ||
    step.state === "unknown" ||
    step.state === "canceled";
  return bad && (step.block.onFailure !== "continue" || step.state === "canceled");
}

/** The steps that are out under a fence. */
export function* stepsUnder(state: EngineState, fence: number): Generator<StepRecord> {
  for (const step of openSteps(state)) if (step.fence === fence && isOut(step)) yield step;
}

/** Names a late report, so that its repeats are not recorded again. */
export function lateKey(report: { step: string; attempt: number; fence: number }): string {
  return `${report.step}#${report.attempt}#${report.fence}`;
}

/** What a record has under a name that people chose; it may be one that every object has. */
export function entryOf<Value>(
  record: Readonly<Record<string, Value>> | undefined,
  name: string,
): Value | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined;
}
