/** The pool's SQLite: who holds which lease, who waits, which secrets agents hold, and which assertions were used. */
import type { HeldSecret } from "#protocol/secrets.ts";
import { ASSERTIONS_SCHEMA, spendAssertion } from "../identity/spentAssertions.ts";
import type { AgentIdentity } from "./contract.ts";

/**
 * `over` holds ids of leases that have ended or were given back: a request that comes late is not granted again.
 * `tried_at` of a quarantine is when it was last told of; null when that arrived.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS leases (
    id TEXT PRIMARY KEY, execution_id TEXT NOT NULL, fence INTEGER NOT NULL, labels TEXT NOT NULL, wanted TEXT,
    agent_id TEXT NOT NULL, status TEXT NOT NULL, changed_at INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS leases_agent ON leases (agent_id);
  CREATE TABLE IF NOT EXISTS queue (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, execution_id TEXT NOT NULL, fence INTEGER NOT NULL, labels TEXT NOT NULL, wanted TEXT,
    until INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS over (
    id TEXT PRIMARY KEY, at INTEGER NOT NULL, agent_id TEXT, execution_id TEXT
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS secrets (agent_id TEXT PRIMARY KEY, held TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS revoked (agent_id TEXT PRIMARY KEY) WITHOUT ROWID;
  ${ASSERTIONS_SCHEMA}
`;

const LIMIT_KEY = "limit";
const AGENT_VERSION_KEY = "agentVersion";
const LATEST_KEY = "latest";

const NEVER = { version: undefined, at: 0 };

const STATUSES = ["offered", "accepted", "released", "revoked"] as const;

/**
 * `offered`: not yet accepted. `released`: over here, the agent has not said so
 * yet. `revoked`: the same, and its execution still counts on it.
 */
export type LeaseStatus = (typeof STATUSES)[number];

export interface LeaseRow {
  id: string;
  executionId: string;
  fence: number;
  labels: Record<string, string>;
  /** Only this agent will do. */
  wantedAgentId: string | undefined;
  agentId: string;
  status: LeaseStatus;
  /** When it got this status, ms since the epoch. */
  changedAt: number;
}

export type QueueRow = Pick<LeaseRow, "id" | "executionId" | "fence" | "labels" | "wantedAgentId">;

type SqlRow = Record<string, SqlStorageValue>;

export class PoolStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  /** Leases by agent: on the path of every offer, so counted in memory. */
  #busy: Map<string, number> | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(SCHEMA);
  }

  lease(id: string): LeaseRow | undefined {
    return this.#leases("WHERE id = ?", id)[0];
  }

  leasesOf(agentId: string): LeaseRow[] {
    return this.#leases("WHERE agent_id = ?", agentId);
  }

  /** Leases that have waited for the agent's word since before a time. */
  unansweredSince(before: number): LeaseRow[] {
    return this.#leases("WHERE status <> 'accepted' AND changed_at <= ?", before);
  }

  /** Leases that agents have held since before a time, or that were asked about then. */
  acceptedSince(before: number): LeaseRow[] {
    return this.#leases("WHERE status = 'accepted' AND changed_at <= ?", before);
  }

  /** When the oldest lease that waits for the agent's word got its status. */
  oldestUnanswered(): number | undefined {
    const row = this.#sql.exec("SELECT MIN(changed_at) AS at FROM leases WHERE status <> 'accepted'").one();
    return row.at === null ? undefined : Number(row.at);
  }

  #leases(where: string, ...values: SqlStorageValue[]): LeaseRow[] {
    return this.#sql
      .exec(`SELECT * FROM leases ${where}`, ...values)
      .toArray()
      .map(toLease);
  }

  /** How many more leases the pool may grant. */
  get room(): number {
    const limit = this.#storage.kv.get<number>(LIMIT_KEY);
    if (limit === undefined) return Number.POSITIVE_INFINITY;
    return limit - Number(this.#sql.exec("SELECT COUNT(*) AS n FROM leases").one().n);
  }

  /** Most leases at once; null for no limit. */
  setLimit(maxLeases: number | null): void {
    if (maxLeases === null) this.#storage.kv.delete(LIMIT_KEY);
    else this.#storage.kv.put(LIMIT_KEY, maxLeases);
  }

  /** The version that agents should have: a certain one, `latest` or `any`. */
  get agentVersion(): string {
    return this.#storage.kv.get<string>(AGENT_VERSION_KEY) ?? "latest";
  }

  set agentVersion(version: string) {
    this.#storage.kv.put(AGENT_VERSION_KEY, version);
  }

  /** The newest release as it was last looked up, and when, ms since the epoch. */
  get latest(): { version: string | undefined; at: number } {
    return this.#storage.kv.get<{ version: string | undefined; at: number }>(LATEST_KEY) ?? NEVER;
  }

  set latest(found: { version: string | undefined; at: number }) {
    this.#storage.kv.put(LATEST_KEY, found);
  }

  /** The version that agents should have; undefined for whatever they have. */
  get wantedVersion(): string | undefined {
    const { agentVersion } = this;
    if (agentVersion === "any") return undefined;
    return agentVersion === "latest" ? this.latest.version : agentVersion;
  }

  /** Slots of an agent that are taken. */
  busy(agentId: string): number {
    if (!this.#busy) {
      this.#busy = new Map();
      for (const row of this.#sql.exec("SELECT agent_id, COUNT(*) AS n FROM leases GROUP BY agent_id")) {
        this.#busy.set(String(row.agent_id), Number(row.n));
      }
    }
    return this.#busy.get(agentId) ?? 0;
  }

  addLease(row: QueueRow, agentId: string, now: number): void {
    const taken = this.busy(agentId);
    this.#sql.exec(
      "INSERT INTO leases (id, execution_id, fence, labels, wanted, agent_id, status, changed_at) VALUES (?, ?, ?, ?, ?, ?, 'offered', ?)",
      row.id,
      row.executionId,
      row.fence,
      JSON.stringify(row.labels),
      row.wantedAgentId ?? null,
      agentId,
      now,
    );
    this.#busy?.set(agentId, taken + 1);
  }

  setStatus(id: string, status: LeaseStatus, now: number): void {
    this.#sql.exec("UPDATE leases SET status = ?, changed_at = ? WHERE id = ?", status, now, id);
  }

  removeLease({ id, agentId }: LeaseRow): void {
    const taken = this.busy(agentId);
    // One that is gone already frees no second slot.
    if (this.#sql.exec("DELETE FROM leases WHERE id = ?", id).rowsWritten === 0) return;
    this.#busy?.set(agentId, taken - 1);
  }

  queue(): QueueRow[] {
    return this.#sql.exec("SELECT * FROM queue ORDER BY place").toArray().map(toQueueRow);
  }

  isQueueing(): boolean {
    return this.#sql.exec("SELECT 1 FROM queue LIMIT 1").toArray().length > 0;
  }

  /** How many wait before this request; undefined when it does not wait. */
  ahead(id: string): number | undefined {
    const row = this.#sql
      .exec(
        "SELECT (SELECT COUNT(*) FROM queue AS q WHERE q.place < queue.place) AS ahead FROM queue WHERE id = ?",
        id,
      )
      .toArray()[0];
    return row && Number(row.ahead);
  }

  /** @param until when it is no longer wanted, ms since the epoch */
  enqueue(row: QueueRow, until: number): void {
    this.#sql.exec(
      "INSERT OR IGNORE INTO queue (id, execution_id, fence, labels, wanted, until) VALUES (?, ?, ?, ?, ?, ?)",
      row.id,
      row.executionId,
      row.fence,
      JSON.stringify(row.labels),
      row.wantedAgentId ?? null,
      until,
    );
  }

  dequeue(id: string): void {
    this.#sql.exec("DELETE FROM queue WHERE id = ?", id);
  }

  /** Forgets requests that have waited for as long as they may. */
  dropExpired(now: number): void {
    this.#sql.exec("DELETE FROM queue WHERE until <= ?", now);
  }

  /**
   * A request of a lease that still comes is an echo.
   * @param held whom it was granted to, and for which execution
   */
  noteOver(id: string, now: number, held?: Pick<LeaseRow, "agentId" | "executionId">): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO over (id, at, agent_id, execution_id) VALUES (?, ?, ?, ?)",
      id,
      now,
      held?.agentId ?? null,
      held?.executionId ?? null,
    );
  }

  /** The executions that an agent has leases of, or had lately. */
  executionsOf(agentId: string): string[] {
    return this.#sql
      .exec(
        "SELECT execution_id AS id FROM leases WHERE agent_id = ?1 UNION SELECT execution_id FROM over WHERE agent_id = ?1",
        agentId,
      )
      .toArray()
      .map(({ id }) => String(id));
  }

  isOver(id: string): boolean {
    return this.#sql.exec("SELECT 1 FROM over WHERE id = ?", id).toArray().length > 0;
  }

  /** Forgets leases that were over before a time. */
  forgetOver(before: number): void {
    this.#sql.exec("DELETE FROM over WHERE at < ?", before);
  }

  /** An agent that never comes back. */
  noteRevoked(agentId: string): void {
    this.#sql.exec("INSERT OR IGNORE INTO revoked VALUES (?)", agentId);
  }

  isRevoked(agentId: string): boolean {
    return this.#sql.exec("SELECT 1 FROM revoked WHERE agent_id = ?", agentId).toArray().length > 0;
  }

  /** Requests that only a revoked agent could have served. */
  hopeless(): QueueRow[] {
    return this.#sql
      .exec("SELECT queue.* FROM queue JOIN revoked ON revoked.agent_id = queue.wanted ORDER BY place")
      .toArray()
      .map(toQueueRow);
  }

  /** By agent: the names of the secrets that it holds, as it said last. */
  secrets(): Map<string, HeldSecret[]> {
    const rows = this.#sql.exec("SELECT agent_id, held FROM secrets").toArray();
    // Written by `noteSecrets` alone.
    return new Map(rows.map((row) => [String(row.agent_id), JSON.parse(String(row.held)) as HeldSecret[]]));
  }

  /** @param held undefined when it does not tell, or is no longer there to hold any */
  noteSecrets(agentId: string, held: readonly HeldSecret[] | undefined): void {
    if (held === undefined) this.#sql.exec("DELETE FROM secrets WHERE agent_id = ?", agentId);
    else this.#sql.exec("INSERT OR REPLACE INTO secrets VALUES (?, ?)", agentId, JSON.stringify(held));
  }

  /** False when this assertion was already used (HS2). */
  spendAssertion(assertion: Pick<AgentIdentity, "jti" | "jtiExpiresAt">, now: number): boolean {
    return spendAssertion(this.#sql, assertion, now);
  }
}

function toQueueRow(row: SqlRow): QueueRow {
  return {
    id: String(row.id),
    executionId: String(row.execution_id),
    fence: Number(row.fence),
    // Written by `enqueue` and `addLease`, by this class alone.
    labels: JSON.parse(String(row.labels)) as Record<string, string>,
    wantedAgentId: row.wanted === null ? undefined : String(row.wanted),
  };
}

function toLease(row: SqlRow): LeaseRow {
  const status = STATUSES.find((each) => each === row.status) ?? "offered";
  return { ...toQueueRow(row), agentId: String(row.agent_id), status, changedAt: Number(row.changed_at) };
}
