/** Runbooks and their versions. A deleted runbook is not there for anybody; its rows stay. */
import { and, desc, eq, getTableColumns, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { Actor } from "#protocol/actor.ts";
import type { Runbook, RunbookSummary, Version, VersionSummary } from "#protocol/api/runbooks.ts";
import { type Block, walkBlocks } from "#protocol/blocks/index.ts";
import type { RunbookDocument } from "#protocol/runbook/document.ts";
import { VERSION_SIGNATURES_MAX } from "#protocol/signatures/version.ts";
import { organization, pools, runbooks, runbookVersions } from "../schema.ts";
import type { TenantScope } from "../scope.ts";

/** Where a page begins: after this row, last changed first. */
export interface RunbookCursor {
  updatedAt: number;
  id: string;
}

/** A version as it is written. */
export interface NewVersion {
  id: string;
  source: string;
  document: RunbookDocument;
  contentHash: string;
  createdBy: Actor;
  now: Date;
}

/** What a plan is built from, read at one moment. */
export interface TriggerSource {
  version: Version | null;
  /** The pool asked for, else the one the version names, else `default`. */
  poolName: string;
  pool: { id: string; name: string } | null;
  /** The organization limits how many executions run at once. */
  limited: boolean;
  /** Of the version, by keys that nobody has revoked. */
  signatures: string[];
}

const DEFAULT_POOL = "default";

const signatureListSchema = z.array(z.string());

/** As a JSON array, the latest of them; in the statement that reads the version, so that it costs no other. */
const signaturesOfVersion = sql<string>`(
  select json_group_array(signature) from (
    select s.signature from version_signatures s
    join signing_keys k on k.organization_id = s.organization_id and k.id = s.key_id
    where s.organization_id = ${runbookVersions.organizationId} and s.version_id = ${runbookVersions.id}
      and k.revoked_at is null
    order by s.created_at desc limit ${VERSION_SIGNATURES_MAX}
  ))`;

const { source: _source, document: _document, ...versionSummaryColumns } = getTableColumns(runbookVersions);

export function runbooksRepository({ db, organizationId, within }: TenantScope) {
  const alive = (...conditions: (SQL | undefined)[]) =>
    within(runbooks, isNull(runbooks.deletedAt), ...conditions);
  const versionOf = (number: SQL | number) =>
    and(
      within(runbookVersions),
      eq(runbookVersions.runbookId, runbooks.id),
      eq(runbookVersions.number, number),
    );

  return {
    /** Creates a runbook with its first version. */
    async create(id: string, version: NewVersion): Promise<Runbook> {
      const { now, document } = version;
      const row = {
        ...summaryOf(document),
        id,
        organizationId,
        latestVersion: 1,
        createdAt: now,
        updatedAt: now,
      };
      const versionRow = toVersionRow(id, 1, version);
      await db.batch([
        db.insert(runbooks).values(row),
        db.insert(runbookVersions).values({ ...versionRow, organizationId }),
      ]);
      return {
        ...toSummary({ ...row, deletedAt: null }),
        version: toVersion({ ...versionRow, organizationId }),
      };
    },

    /** Last changed first; at most `limit` after the cursor. */
    async list(after: RunbookCursor | undefined, limit: number): Promise<RunbookSummary[]> {
      const rows = await db
        .select()
        .from(runbooks)
        .where(alive(after && isAfter(after)))
        .orderBy(desc(runbooks.updatedAt), desc(runbooks.id))
        .limit(limit);
      return rows.map(toSummary);
    },

    /** The ids of runbooks of exactly this title; two are enough to know that it names none. */
    async idsByTitle(title: string): Promise<string[]> {
      const rows = await db
        .select({ id: runbooks.id })
        .from(runbooks)
        .where(alive(eq(runbooks.title, title)))
        .limit(2);
      return rows.map(({ id }) => id);
    },

    async exists(id: string): Promise<boolean> {
      const rows = await db
        .select({ id: runbooks.id })
        .from(runbooks)
        .where(alive(eq(runbooks.id, id)));
      return rows.length > 0;
    },

    /** A runbook with its latest version. */
    async get(id: string): Promise<Runbook | null> {
      const [row] = await db
        .select({ runbook: runbooks, version: runbookVersions })
        .from(runbooks)
        .innerJoin(runbookVersions, versionOf(sql`${runbooks.latestVersion}`))
        .where(alive(eq(runbooks.id, id)))
        .limit(1);
      return row ? { ...toSummary(row.runbook), version: toVersion(row.version) } : null;
    },

    /** The number that a version of a runbook has, by its id. */
    async numberOf(id: string, versionId: string): Promise<number | undefined> {
      const [row] = await db
        .select({ number: runbookVersions.number })
        .from(runbookVersions)
        .where(within(runbookVersions, eq(runbookVersions.runbookId, id), eq(runbookVersions.id, versionId)));
      return row?.number;
    },

    async version(id: string, number: number): Promise<Version | null> {
      const [row] = await db
        .select({ version: runbookVersions })
        .from(runbooks)
        .innerJoin(runbookVersions, versionOf(number))
        .where(alive(eq(runbooks.id, id)))
        .limit(1);
      return row ? toVersion(row.version) : null;
    },

    /** Newest first, below `before`; null when there is no such runbook. */
    async versions(id: string, before: number | undefined, limit: number): Promise<VersionSummary[] | null> {
      const [found, rows] = await db.batch([
        db
          .select({ id: runbooks.id })
          .from(runbooks)
          .where(alive(eq(runbooks.id, id))),
        db
          .select(versionSummaryColumns)
          .from(runbookVersions)
          .where(
            within(
              runbookVersions,
              eq(runbookVersions.runbookId, id),
              before === undefined ? undefined : lt(runbookVersions.number, before),
            ),
          )
          .orderBy(desc(runbookVersions.number))
          .limit(limit),
      ]);
      return found.length === 0 ? null : rows.map(toVersionSummary);
    },

    /**
     * Adds the version after `expected`. False, and nothing written, when the
     * latest version is another one by now or the runbook is gone.
     */
    async addVersion(id: string, expected: number, version: NewVersion): Promise<boolean> {
      const number = expected + 1;
      const stillExpected = alive(eq(runbooks.id, id), eq(runbooks.latestVersion, expected));
      const row = toVersionRow(id, number, version);
      const [inserted] = await db.batch([
        db.insert(runbookVersions).select(
          db
            .select({
              organizationId: sql`${organizationId}`.as("organization_id"),
              id: sql`${row.id}`.as("id"),
              runbookId: sql`${id}`.as("runbook_id"),
              number: sql`${number}`.as("number"),
              contentHash: sql`${row.contentHash}`.as("content_hash"),
              source: sql`${row.source}`.as("source"),
              document: sql`${JSON.stringify(row.document)}`.as("document"),
              createdBy: sql`${JSON.stringify(row.createdBy)}`.as("created_by"),
              createdAt: sql`${row.createdAt.getTime()}`.as("created_at"),
            })
            .from(runbooks)
            .where(stillExpected),
        ),
        db
          .update(runbooks)
          .set({ ...summaryOf(version.document), latestVersion: number, updatedAt: version.now })
          .where(stillExpected),
      ]);
      return inserted.meta.changes > 0;
    },

    /** Puts the tombstone; false when there was no such runbook. */
    async remove(id: string, now: Date): Promise<boolean> {
      const result = await db
        .update(runbooks)
        .set({ deletedAt: now })
        .where(alive(eq(runbooks.id, id)));
      return result.meta.changes > 0;
    },

    /** Everything a trigger needs, in one statement; null when there is no such runbook. */
    async forTrigger(
      id: string,
      versionNumber: number | undefined,
      pool: string | undefined,
    ): Promise<TriggerSource | null> {
      const poolName = sql<string>`coalesce(${pool ?? null}, json_extract(${runbookVersions.document}, '$.target.pool'), ${DEFAULT_POOL})`;
      const [row] = await db
        .select({
          version: runbookVersions,
          poolName,
          pool: { id: pools.id, name: pools.name },
          maxExecutions: organization.maxExecutions,
          signatures: signaturesOfVersion,
        })
        .from(runbooks)
        .innerJoin(organization, eq(organization.id, runbooks.organizationId))
        .leftJoin(runbookVersions, versionOf(versionNumber ?? sql`${runbooks.latestVersion}`))
        .leftJoin(pools, within(pools, eq(pools.name, poolName)))
        .where(alive(eq(runbooks.id, id)))
        .limit(1);
      if (!row) return null;
      return {
        version: row.version ? toVersion(row.version) : null,
        poolName: row.poolName,
        pool: row.pool,
        limited: row.maxExecutions !== null,
        signatures: signatureListSchema.parse(JSON.parse(row.signatures)),
      };
    },
  };
}

function isAfter({ updatedAt, id }: RunbookCursor): SQL | undefined {
  const time = new Date(updatedAt);
  return or(lt(runbooks.updatedAt, time), and(eq(runbooks.updatedAt, time), lt(runbooks.id, id)));
}

/** Text alone is shown in its place and done. */
function isStep(block: Block): boolean {
  return block.kind !== "instruction" || block.acknowledge === true;
}

/** What a list shows of the latest version. */
function summaryOf(document: RunbookDocument) {
  return {
    title: document.title,
    description: document.description ?? null,
    stepCount: [...walkBlocks(document.blocks)].filter(({ block }) => isStep(block)).length,
  };
}

function toVersionRow(runbookId: string, number: number, version: NewVersion) {
  const { id, contentHash, source, document, createdBy, now } = version;
  return { id, runbookId, number, contentHash, source, document, createdBy, createdAt: now };
}

function toSummary(row: typeof runbooks.$inferSelect): RunbookSummary {
  return {
    id: row.id,
    title: row.title,
    description: row.description ?? undefined,
    latestVersion: row.latestVersion,
    stepCount: row.stepCount,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

type VersionRow = typeof runbookVersions.$inferSelect;

function toVersionSummary(row: Omit<VersionRow, "source" | "document">): VersionSummary {
  return {
    id: row.id,
    runbookId: row.runbookId,
    number: row.number,
    contentHash: row.contentHash,
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
  };
}

function toVersion(row: VersionRow): Version {
  return { ...toVersionSummary(row), source: row.source, document: row.document };
}
