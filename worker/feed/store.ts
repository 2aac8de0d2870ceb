/** The feed's SQLite: whose viewers are where, and which credentials are over or will be. */
import type { Credential, Watch } from "./contract.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS viewers (
    socket_id TEXT PRIMARY KEY, credential_id TEXT NOT NULL, execution_id TEXT NOT NULL, at INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS viewers_credential ON viewers (credential_id);
  CREATE INDEX IF NOT EXISTS viewers_at ON viewers (at);
  CREATE TABLE IF NOT EXISTS revoked (credential_id TEXT PRIMARY KEY, at INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS expiries (credential_id TEXT PRIMARY KEY, at INTEGER NOT NULL);
`;

/** A request that was let in before a revocation has reached its object by then. */
const REVOKED_MEMORY_MS = 60 * 60 * 1000;
/** No viewer lives this long; what is older was closed while nobody could tell. */
const VIEWER_MEMORY_MS = 30 * 24 * 60 * 60 * 1000;

/** A credential that is over, at an execution where it still has viewers. */
export interface Leftover {
  credentialId: string;
  executionId: string;
}

export class FeedStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(SCHEMA);
  }

  addViewer({ viewerId, credential, executionId }: Watch, now: number): void {
    this.#sql.exec("DELETE FROM viewers WHERE at < ?", now - VIEWER_MEMORY_MS);
    this.#sql.exec(
      "INSERT OR REPLACE INTO viewers (socket_id, credential_id, execution_id, at) VALUES (?, ?, ?, ?)",
      viewerId,
      credential.id,
      executionId,
      now,
    );
    this.noteExpiry(credential);
  }

  removeViewer(viewerId: string): void {
    this.#sql.exec("DELETE FROM viewers WHERE socket_id = ?", viewerId);
  }

  /** The last word counts: a session may have been prolonged. */
  noteExpiry({ id, expiresAt }: Credential): void {
    if (expiresAt === undefined) return;
    this.#sql.exec("INSERT OR REPLACE INTO expiries (credential_id, at) VALUES (?, ?)", id, expiresAt);
  }

  /** When the next credential expires, ms since the epoch. */
  get nextExpiry(): number | undefined {
    const { at } = this.#sql.exec("SELECT MIN(at) AS at FROM expiries").one();
    return typeof at === "number" ? at : undefined;
  }

  expired(now: number): string[] {
    return this.#sql
      .exec("SELECT credential_id FROM expiries WHERE at <= ?", now)
      .toArray()
      .map((row) => String(row.credential_id));
  }

  /** Whatever that credential opened has ended. */
  forgetExpiry(credentialId: string): void {
    this.#sql.exec("DELETE FROM expiries WHERE credential_id = ?", credentialId);
  }

  revoke(credentialId: string, now: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO revoked (credential_id, at) VALUES (?, ?)", credentialId, now);
  }

  isRevoked(credentialId: string): boolean {
    return this.#sql.exec("SELECT 1 FROM revoked WHERE credential_id = ?", credentialId).toArray().length > 0;
  }

  /** What is still to be ended; of what was revoked it is given up after an hour without an answer. */
  leftovers(now: number): Leftover[] {
    this.#sql.exec("DELETE FROM revoked WHERE at < ?", now - REVOKED_MEMORY_MS);
    return this.#sql
      .exec(
        `SELECT DISTINCT credential_id, execution_id FROM viewers
         WHERE credential_id IN (SELECT credential_id FROM revoked)
            OR credential_id IN (SELECT credential_id FROM expiries WHERE at <= ?)`,
        now,
      )
      .toArray()
      .map((row) => ({ credentialId: String(row.credential_id), executionId: String(row.execution_id) }));
  }

  removeLeftover({ credentialId, executionId }: Leftover): void {
    this.#sql.exec(
      "DELETE FROM viewers WHERE credential_id = ? AND execution_id = ?",
      credentialId,
      executionId,
    );
  }
}
