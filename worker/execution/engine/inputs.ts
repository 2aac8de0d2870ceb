/** What can happen to an execution, and what the engine asks of the world in return. */
import type { Actor, Trigger } from "#protocol/actor.ts";
import type { AttemptOutcome, StepInputs, StepUsage, StepValues } from "#protocol/data.ts";
import type { ExecutionEvent, TakenOver } from "#protocol/events.ts";
import type { QueueReason } from "#protocol/states.ts";
import type { AgentsOver, EngineState, Streams } from "./state.ts";

export interface AttemptKey {
  step: string;
  attempt: number;
  fence: number;
}

/** Who answers, with what approvals look at. */
export interface Person {
  actor: Actor;
  /** Addresses and ids that he goes by, lower case. */
  names: readonly string[];
  roles: readonly string[];
}

/** What became of the agent that a lease was taken from. */
export interface AgentFate {
  /** It was cut off, and may not have ended its steps. */
  mayRun: boolean;
  /** It never comes back, and what may be only there has no other place to be. */
  isRevoked: boolean;
}

export type EngineInput =
  // What people and programs ask. `people.ts` says beforehand whether it is possible.
  | { type: "cancel"; actor: Actor; reason: string; force: boolean }
  | { type: "pause"; actor: Actor; reason: string }
  | { type: "resume"; actor: Actor }
  | { type: "skip"; step: string; actor: Actor; reason: string }
  | {
      type: "answer";
      step: string;
      answer: "acknowledge" | "approve" | "reject" | "confirm";
      person: Person;
      planDigest?: string;
      note?: string;
      values?: StepValues;
      signature?: string;
    }
  // What the pool says of a lease.
  | {
      type: "lease.granted";
      fence: number;
      agentId: string;
      agentName: string;
      labels?: Record<string, string>;
    }
  | { type: "lease.queued"; fence: number; ahead: number; reason: QueueReason; detail?: string }
  /** Nothing was started. `retry` is false when another agent would say the same. */
  | { type: "lease.failed"; fence: number; reason: string; retry: boolean }
  /** It is gone, and what became of its steps is not known. */
  | ({ type: "lease.lost"; fence: number; reason: string } & AgentFate)
  /** The agents that match a target at this moment. */
  | { type: "targets.resolved"; step: string; agents: AgentsOver }
  // What the locks of the organization say; `step` is "" for those of the whole execution.
  | { type: "locks.granted"; step: string; fences: Record<string, number> }
  | { type: "locks.queued"; step: string; ahead: number; holder: string; reason?: "organization_full" }
  // What the agent reports over its data socket.
  | { type: "agent.connected"; fence: number; attempts: readonly { step: string; attempt: number }[] }
  | { type: "agent.disconnected"; fence: number; reason: string }
  | ({ type: "step.started"; pid: number; agentTime: number } & AttemptKey)
  | ({
      type: "step.finished";
      outcome: AttemptOutcome;
      durationMs: number;
      streams: Streams;
      leakedOutput: boolean;
      usage?: StepUsage;
      values?: StepValues;
    } & AttemptKey)
  // What was done from the edge, and in another execution.
  | {
      type: "edge.finished";
      step: string;
      attempt: number;
      outcome: AttemptOutcome;
      durationMs: number;
      values?: StepValues;
    }
  | { type: "child.started"; step: string; executionId: string }
  | {
      type: "child.finished";
      step: string;
      executionId: string;
      state: "succeeded" | "failed" | "canceled" | "timed_out";
      detail?: string;
    }
  /** The log holds what cannot be read: nobody knows where the execution stands. */
  | { type: "damaged"; detail: string }
  // Time has passed: whatever deadline is due is acted upon.
  | { type: "tick" };

/** What an execution begins with, beside its plan. */
export interface Origin {
  planDigest: string;
  trigger: Trigger;
  actor: Actor;
  requesterId?: string;
  lineage?: EngineState["lineage"];
  taken?: TakenOver;
  parent?: EngineState["parent"];
  /** The organization limits how many run at once: it needs a place before it begins. */
  limited?: boolean;
}

/** What a decision may use of the outside: the engine itself reads no clock and rolls no dice. */
export interface Moment {
  /** Ms since the epoch. */
  now: number;
  /** Fresh, unguessable ids, for what the decision asks for. */
  newId(kind: "lease" | "execution"): string;
  /** From 0 up to 1. */
  random(): number;
}

/**
 * What the shell does after the events are stored. Each effect follows from
 * the state as well, so one that got lost in a crash is done again on waking.
 */
export type Effect =
  | { type: "lease.request"; leaseId: string; fence: number }
  | { type: "lease.release"; leaseId: string; fence: number; reason: "finished" | "canceled" | "abandoned" }
  | { type: "step.start"; step: string; attempt: number; fence: number; inputs?: StepInputs }
  | { type: "step.cancel"; step: string; attempt: number; fence: number; reason: "canceled" | "timed_out" }
  | { type: "targets.resolve"; step: string; poolId: string; labels: Readonly<Record<string, string>> }
  | { type: "locks.acquire"; step: string }
  | { type: "locks.release"; step: string }
  | { type: "edge.request"; step: string; attempt: number; inputs: StepInputs }
  | { type: "edge.cancel"; step: string; attempt: number }
  | { type: "child.start"; step: string; executionId: string; inputs: StepInputs }
  | { type: "child.cancel"; step: string; executionId: string; force: boolean }
  /** The execution has ended: the index is to say so, and the one that started it. */
  | { type: "project" };

export interface Decision {
  events: ExecutionEvent[];
  effects: Effect[];
  /** The state with the events applied; a fork of the one given, which stays as it was. */
  state: EngineState;
}
