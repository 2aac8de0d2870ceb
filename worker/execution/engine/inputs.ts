/** What can happen to an execution, and what the engine asks of the world in return. */
import type { Actor, Trigger } from "#protocol/actor.ts";
import type { AttemptOutcome } from "#protocol/data.ts";
import type { ExecutionEvent } from "#protocol/events.ts";
import type { QueueReason } from "#protocol/states.ts";
import type { EngineState, Streams } from "./state.ts";

export interface AttemptKey {
  step: string;
  attempt: number;
  fence: number;
}

export type EngineInput =
  // What people and programs ask.
  | { type: "cancel"; actor: Actor; reason: string }
  // What the pool says of the current lease.
  | { type: "lease.granted"; fence: number; agentId: string; agentName: string }
  | {
      type: "lease.queued";
      fence: number;
      ahead: number;
      reason: QueueReason;
    }
  /** Nothing was started. `retry` is false when another agent would say the same. */
  | { type: "lease.failed"; fence: number; reason: string; retry: boolean }
  /** The agent no longer knows of a lease it had accepted. */
  | { type: "lease.lost"; fence: number; reason: string }
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
    } & AttemptKey)
  // Time has passed: whatever deadline is due is acted upon.
  | { type: "tick" };

/** What an execution begins with, beside its plan. */
export interface Origin {
  planDigest: string;
  trigger: Trigger;
  actor: Actor;
}

/** What a decision may use of the outside: the engine itself reads no clock and rolls no dice. */
export interface Moment {
  /** Ms since the epoch. */
  now: number;
  /** A fresh, unguessable id for the lease this decision may ask for. */
  leaseId: string;
}

/**
 * What the shell does after the events are stored. Each effect follows from
 * the state as well, so one that got lost in a crash is done again on waking.
 */
export type Effect =
  | { type: "lease.request"; leaseId: string; fence: number }
  | { type: "lease.release"; leaseId: string; fence: number; reason: "finished" | "canceled" | "abandoned" }
  | { type: "step.start"; step: string; attempt: number; fence: number }
  | { type: "step.cancel"; step: string; attempt: number; fence: number; reason: "canceled" | "timed_out" }
  /** The execution has ended: the index is to say so. */
  | { type: "project" };

export interface Decision {
  events: ExecutionEvent[];
  effects: Effect[];
  /** The state with the events applied; a fork of the one given, which stays as it was. */
  state: EngineState;
}
