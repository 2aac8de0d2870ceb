/**
 * What the rest of the worker may ask of an ExecutionCoordinator. Its name is
 * `coordinatorName(organizationId, executionId)`: made on the server, from the
 * caller's own organization, so another tenant's id leads to an object that
 * holds nothing.
 *
 * Streams go through `fetch` on the stub (all GET, host is ignored):
 *   /viewer                          WebSocket upgrade, see protocol/viewer.ts
 *   /events.sse?after=               server-sent events to the end
 *   /output.txt?follow=&tail=&unit=  the whole output as plain text, live when `follow=1`
 *   /steps/{step}/output?stream=&offset=&limit=&tail=&unit=   raw bytes of one step, text/plain
 *   /steps/{step}/chunks?line=&bytes=             output frames (protocol/viewer.ts) from the chunk that holds `line`
 * They answer 404 with an empty body for an execution that does not exist. Sockets, and what goes on until
 * the execution has ended, end with the credential that the headers of `feed/contract.ts` name.
 */
import type { Actor, Trigger } from "#protocol/actor.ts";
import type { Execution, ExecutionSummary } from "#protocol/api/executions.ts";
import type { RecordedEvent, TakenOver } from "#protocol/events.ts";
import type { Plan } from "#protocol/plan.ts";
import type { ExecutionState } from "#protocol/states.ts";
import type { EngineInput } from "./engine/inputs.ts";
import type { Refusal } from "./engine/people.ts";
import type { EngineState } from "./engine/state.ts";
import type { RetryWish } from "./reuse.ts";

export interface CreateExecution {
  executionId: string;
  /** Over the canonical request (runbook, body): a repeat under one Idempotency-Key must have the same. */
  requestHash: string;
  plan: Plan;
  planDigest: string;
  trigger: Trigger;
  actor: Actor;
  requestId: string;
  /** The person behind it, also when a key asked. */
  requesterId?: string;
  /** What it is a retry of, and what it takes over from there. */
  lineage?: EngineState["lineage"];
  taken?: TakenOver;
  /** The execution and step that started it. */
  parent?: EngineState["parent"];
  /** The organization limits how many run at once, and this one counts. */
  limited?: boolean;
}

/** What a request is to an execution that exists: the one that started it, or another. */
export type RepeatResult = { outcome: "existing"; execution: ExecutionSummary } | { outcome: "conflict" };

export type CreateResult = { outcome: "created"; execution: ExecutionSummary } | RepeatResult;

/** What people and programs ask of a running execution. */
export type Ask = Extract<EngineInput, { type: "cancel" | "pause" | "resume" | "skip" | "answer" }>;

export type AskResult =
  | { outcome: "accepted"; state: ExecutionState }
  | { outcome: "refused"; refusal: Refusal }
  | { outcome: "not_found" };

/** What lists show of it, and the agents that its steps went to. */
export interface ListEntry {
  execution: ExecutionSummary;
  agentIds: string[];
}

export interface EventPage {
  events: RecordedEvent[];
  /** Sequence number of the last event in the log. */
  head: number;
}

/** What a retry begins with. */
export interface RetrySource {
  state: ExecutionState;
  plan: Plan;
  taken: TakenOver;
}

/** Who deleted it, and when, ms since the epoch. */
export interface Tombstone {
  by: Actor;
  at: number;
}

export interface CoordinatorApi {
  /** `conflict` also for an execution that another one started and canceled before this came. */
  create(input: CreateExecution): Promise<CreateResult>;
  /** What `create` would answer to this request, or null where it would create. */
  repeat(requestHash: string): Promise<RepeatResult | null>;
  /** With `until`: as soon as the log goes on after that, it has ended, or the time is over. */
  read(until?: { after: number; withinMs: number }): Promise<Execution | null>;
  summary(): Promise<ListEntry | null>;
  retrySource(wish: RetryWish): Promise<RetrySource | null>;
  /**
   * Hides it: whoever asks from now on hears that there is no such execution.
   * What happened stays, and so does its Idempotency-Key. Safe to repeat.
   */
  remove(tombstone: Tombstone): Promise<void>;
  /**
   * Deletes it for good if it ended before that time: its archive, its row and
   * all that is kept here, its Idempotency-Key with it. Safe to repeat.
   */
  purge(endedBefore: number): Promise<void>;
  /** A page of events; with `waitMs`, one that is empty is held back until there is one to tell. */
  events(after: number, limit: number, waitMs?: number): Promise<EventPage | null>;
  /** Ends the viewers' sockets that a credential opened. Safe to repeat. */
  endViewers(credentialId: string): Promise<void>;
  /** Cancel, pause, resume, skip, acknowledge, approve, reject, confirm. */
  ask(input: Ask): Promise<AskResult>;
}

export function coordinatorName(organizationId: string, executionId: string): string {
  return `${organizationId}/${executionId}`;
}
