/**
 * What the rest of the worker may ask of an ExecutionCoordinator. Its name is
 * `coordinatorName(organizationId, executionId)`: made on the server, from the
 * caller's own organization, so another tenant's id leads to an object that
 * holds nothing.
 *
 * Streams go through `fetch` on the stub (all GET, host is ignored):
 *   /viewer                          WebSocket upgrade, see protocol/viewer.ts
 *   /events.sse?after=               server-sent events to the end
 *   /output.txt?follow=              the whole output as plain text, live when `follow=1`
 *   /steps/{step}/output?stream=&offset=&limit=   raw bytes of one step, text/plain
 *   /steps/{step}/chunks?line=&bytes=             output frames (protocol/viewer.ts) from the chunk that holds `line`
 * They answer 404 with an empty body for an execution that does not exist.
 */
import type { Actor, Trigger } from "#protocol/actor.ts";
import type { Execution, ExecutionSummary } from "#protocol/api/executions.ts";
import type { RecordedEvent } from "#protocol/events.ts";
import type { Plan } from "#protocol/plan.ts";
import type { ExecutionState } from "#protocol/states.ts";

export interface CreateExecution {
  executionId: string;
  /** Over the canonical request (runbook, body): a repeat under one Idempotency-Key must have the same. */
  requestHash: string;
  plan: Plan;
  planDigest: string;
  trigger: Trigger;
  actor: Actor;
  requestId: string;
}

/** What a request is to an execution that exists: the one that started it, or another. */
export type RepeatResult = { outcome: "existing"; execution: ExecutionSummary } | { outcome: "conflict" };

export type CreateResult = { outcome: "created"; execution: ExecutionSummary } | RepeatResult;

export type CancelResult =
  | { outcome: "accepted"; state: ExecutionState }
  | { outcome: "already_ended"; state: ExecutionState }
  | { outcome: "not_found" };

export interface EventPage {
  events: RecordedEvent[];
  /** Sequence number of the last event in the log. */
  head: number;
}

export interface CoordinatorApi {
  create(input: CreateExecution): Promise<CreateResult>;
  /** What `create` would answer to this request, or null where it would create. */
  repeat(requestHash: string): Promise<RepeatResult | null>;
  read(): Promise<Execution | null>;
  events(after: number, limit: number): Promise<EventPage | null>;
  /** Ends the viewers' sockets that a credential opened. Safe to repeat. */
  endViewers(credentialId: string): Promise<void>;
  cancel(actor: Actor, reason: string): Promise<CancelResult>;
}

export function coordinatorName(organizationId: string, executionId: string): string {
  return `${organizationId}/${executionId}`;
}
