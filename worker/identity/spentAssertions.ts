/** Which assertions were used, in the SQLite of the object whose sockets they open (HS2). */

export const ASSERTIONS_SCHEMA =
  "CREATE TABLE IF NOT EXISTS assertions (jti TEXT PRIMARY KEY, expires_at INTEGER NOT NULL);";

/**
 * False when this assertion was already used. Forgets those that have expired.
 * @param assertion its single-use id and when it may be forgotten, ms since the epoch
 */
export function spendAssertion(
  sql: SqlStorage,
  { jti, jtiExpiresAt }: { jti: string; jtiExpiresAt: number },
  now: number,
): boolean {
  sql.exec("DELETE FROM assertions WHERE expires_at < ?", now);
  const { rowsWritten } = sql.exec(
    "INSERT OR IGNORE INTO assertions (jti, expires_at) VALUES (?, ?)",
    jti,
    jtiExpiresAt,
  );
  return rowsWritten > 0;
}
