/** The index of executions. */
import {
  and,
  desc,
  eq,
  getTableColumns,
  gte,
  inArray,
  isNull,
  lt,
  notInArray,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type { Actor, Trigger } from "#protocol/actor.ts";
import type { ExecutionSummary } from "#protocol/api/executions.ts";
import { isId } from "#protocol/ids.ts";
import { type ExecutionState, isExecutionTerminal, TERMINAL_EXECUTION_STATES } from "#protocol/states.ts";
import { executions } from "../schema.ts";
import type { TenantScope } from "../scope.ts";

/** Where a page begins: after this row, newest first. */
export interface ExecutionCursor {
  createdAt: number;
  id: string;
}

/** Every condition that is given has to hold. */
export interface ExecutionFilter {
  runbookId?: string | undefined;
  /** Any of them. A state that has not ended matches every row that has not: only its coordinator knows more. */
  states?: readonly ExecutionState[] | undefined;
  trigger?: Trigger["type"] | undefined;
  /** Started by this person, also through a key; or by this key. */
  person?: string | undefined;
  /** Went to this agent. Matches every row that has not ended. */
  agentId?: string | undefined;
  /** Created at this time or later, and before that one, ms since the epoch. */
  since?: number | undefined;
  until?: number | undefined;
  /** Part of the title, in any case. */
  text?: string | undefined;
  /** The person who asks, also through a key. */
  requesterId?: string | undefined;
}

/** What the index knows of an execution beyond what lists show. */
export interface IndexedFacts {
  requesterId?: string | undefined;
  agentIds?: readonly string[];
}

const {
  agents: _agents,
  deletedAt: _deletedAt,
  deletedBy: _deletedBy,
  ...listed
} = getTableColumns(executions);

/** How far along a state is: a projection only ever moves a row forward. */
const rank = (state: SQL) =>
  sql`CASE ${state} WHEN 'queued' THEN 0 WHEN 'running' THEN 1 WHEN 'waiting' THEN 1 WHEN 'paused' THEN 1 ELSE 2 END`;

export function executionsRepository({ db, organizationId, within }: TenantScope) {
  const upsert = (summary: ExecutionSummary, { requesterId, agentIds }: IndexedFacts) =>
    db
      .insert(executions)
      .values({ ...toRow(summary), requesterId, agents: agentIds && [...agentIds], organizationId })
      .onConflictDoUpdate({
        target: [executions.organizationId, executions.id],
        set: {
          state: sql`excluded.state`,
          finishedAt: sql`excluded.finished_at`,
          durationMs: sql`excluded.duration_ms`,
          agents: sql`excluded.agents`,
        },
        setWhere: sql`${rank(sql`excluded.state`)} > ${rank(sql`${executions.state}`)}`,
      });

  return {
    /**
     * Writes an execution's row, in one statement. Safe to repeat and to
     * reorder: a row that has ended never changes, and an older state never
     * replaces a newer one.
     */
    async project(summary: ExecutionSummary, facts: IndexedFacts = {}): Promise<void> {
      await upsert(summary, facts);
    },

    /**
     * Puts the tombstone on an execution that has ended, and brings its row up
     * to date, should that not have happened yet. Safe to repeat: the first word counts.
     */
    async remove(summary: ExecutionSummary, facts: IndexedFacts, by: Actor, now: Date): Promise<void> {
      const mine = within(executions, eq(executions.id, summary.id), isNull(executions.deletedAt));
      await db.batch([
        upsert(summary, facts),
        db.update(executions).set({ deletedAt: now, deletedBy: by }).where(mine),
      ]);
    },

    /** Deletes the row of an execution that ended before that time. */
    async purge(id: string, endedBefore: Date): Promise<void> {
      const isOld = lt(executions.finishedAt, endedBefore);
      await db.delete(executions).where(within(executions, eq(executions.id, id), isOld));
    },

    /** Newest first; at most `limit` rows after the cursor. */
    async list(
      filter: ExecutionFilter,
      after: ExecutionCursor | undefined,
      limit: number,
    ): Promise<ExecutionSummary[]> {
      const rows = await db
        .select(listed)
        .from(executions)
        .where(
          within(executions, isNull(executions.deletedAt), ...conditionsOf(filter), after && isAfter(after)),
        )
        .orderBy(desc(executions.createdAt), desc(executions.id))
        .limit(limit);
      return rows.map(toSummary);
    },
  };
}

function conditionsOf(filter: ExecutionFilter): (SQL | undefined)[] {
  const { runbookId, states, trigger, person, agentId, since, until, text, requesterId } = filter;
  return [
    runbookId === undefined ? undefined : eq(executions.runbookId, runbookId),
    states && matchesStates(states),
    trigger && eq(sql`json_extract(${executions.trigger}, '$.type')`, trigger),
    person === undefined ? undefined : startedBy(person),
    agentId === undefined ? undefined : wentTo(agentId),
    since === undefined ? undefined : gte(executions.createdAt, new Date(since)),
    until === undefined ? undefined : lt(executions.createdAt, new Date(until)),
    text === undefined ? undefined : sql`instr(lower(${executions.title}), lower(${text})) > 0`,
    requesterId === undefined ? undefined : eq(executions.requesterId, requesterId),
  ];
}

const hasNotEnded = () => notInArray(executions.state, [...TERMINAL_EXECUTION_STATES]);

function matchesStates(states: readonly ExecutionState[]): SQL | undefined {
  const ended = states.filter(isExecutionTerminal);
  return or(
    ended.length > 0 ? inArray(executions.state, ended) : undefined,
    ended.length < states.length ? hasNotEnded() : undefined,
  );
}

function startedBy(id: string): SQL {
  return isId("apiKey", id)
    ? eq(sql`json_extract(${executions.actor}, '$.id')`, id)
    : eq(executions.requesterId, id);
}

function wentTo(agentId: string): SQL | undefined {
  const told = sql`EXISTS (SELECT 1 FROM json_each(${executions.agents}) WHERE value = ${agentId})`;
  return or(hasNotEnded(), told);
}

function isAfter({ createdAt, id }: ExecutionCursor): SQL | undefined {
  const time = new Date(createdAt);
  return or(lt(executions.createdAt, time), and(eq(executions.createdAt, time), lt(executions.id, id)));
}

function toRow({ createdAt, finishedAt, ...rest }: ExecutionSummary) {
  return {
    id: rest.id,
    runbookId: rest.runbookId,
    versionNumber: rest.versionNumber,
    title: rest.title,
    state: rest.state,
    trigger: rest.trigger,
    actor: rest.actor,
    durationMs: rest.durationMs,
    createdAt: new Date(createdAt),
    finishedAt: finishedAt ? new Date(finishedAt) : undefined,
  };
}

function toSummary(row: Pick<typeof executions.$inferSelect, keyof typeof listed>): ExecutionSummary {
  return {
    id: row.id,
    runbookId: row.runbookId,
    versionNumber: row.versionNumber,
    title: row.title,
    state: row.state,
    trigger: row.trigger,
    actor: row.actor,
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString(),
    durationMs: row.durationMs ?? undefined,
  };
}
