/** The feed's SQLite: whose viewers are where, and which credentials are over. */
import type { Watch } from "./contract.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS viewers (
    socket_id TEXT PRIMARY KEY, credential_id TEXT NOT NULL, execution_id TEXT NOT NULL, at INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS viewers_credential ON viewers (credential_id);
  CREATE INDEX IF NOT EXISTS viewers_at ON viewers (at);
  CREATE TABLE IF NOT EXISTS revoked (credential_id TEXT PRIMARY KEY, at INTEGER NOT NULL);
`;

/** A request that was let in before a revocation has reached its object by then. */
const REVOKED_MEMORY_MS = 60 * 60 * 1000;
/** No socket lives this long; what is older was closed while nobody could tell. */
const VIEWER_MEMORY_MS = 30 * 24 * 60 * 60 * 1000;

/** A credential that is over, at an execution where it still has viewers. */
export type Leftover = Pick<Watch, "credentialId" | "executionId">;

export class FeedStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(SCHEMA);
  }

  addViewer({ socketId, credentialId, executionId }: Watch, now: number): void {
    this.#sql.exec("DELETE FROM viewers WHERE at < ?", now - VIEWER_MEMORY_MS);
    this.#sql.exec(
      "INSERT OR REPLACE INTO viewers (socket_id, credential_id, execution_id, at) VALUES (?, ?, ?, ?)",
      socketId,
      credentialId,
      executionId,
      now,
    );
  }

  removeViewer(socketId: string): void {
    this.#sql.exec("DELETE FROM viewers WHERE socket_id = ?", socketId);
  }

  revoke(credentialId: string, now: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO revoked (credential_id, at) VALUES (?, ?)", credentialId, now);
  }

  isRevoked(credentialId: string): boolean {
    return this.#sql.exec("SELECT 1 FROM revoked WHERE credential_id = ?", credentialId).toArray().length > 0;
  }

  /** What is still to be ended; after an hour without an answer it is given up. */
  leftovers(now: number): Leftover[] {
    this.#sql.exec("DELETE FROM revoked WHERE at < ?", now - REVOKED_MEMORY_MS);
    return this.#sql
      .exec("SELECT DISTINCT credential_id, execution_id FROM viewers JOIN revoked USING (credential_id)")
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
