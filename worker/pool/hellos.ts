/**
 * What agents said of their hosts when they last connected, and until when they were there: what is
 * shown of those that are away. Written once for each connection and once for its end, never between.
 */
import { factsIn } from "#protocol/blocks/common.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS hellos (
    agent_id TEXT PRIMARY KEY, host_labels TEXT NOT NULL, seen_at INTEGER NOT NULL
  ) WITHOUT ROWID;
`;

export interface LastHello {
  /** Those of its labels that it found out by itself. */
  hostLabels: Record<string, string>;
  /** When it was last heard of, ms since the epoch: of a connected agent, when it connected. */
  seenAt: number;
}

export class Hellos {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(SCHEMA);
  }

  /** @param labels of its hello */
  note(agentId: string, labels: Readonly<Record<string, string>>, now: number): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO hellos VALUES (?, ?, ?)",
      ...[agentId, JSON.stringify(factsIn(labels)), now],
    );
  }

  /** Its connection is over. Safe to repeat, in any order. */
  noteSeen(agentId: string, at: number): void {
    this.#sql.exec("UPDATE hellos SET seen_at = ?2 WHERE agent_id = ?1 AND seen_at < ?2", agentId, at);
  }

  /** By agent; nothing for those that never connected. */
  of(agentIds: readonly string[]): Record<string, LastHello> {
    const query = "SELECT * FROM hellos WHERE agent_id IN (SELECT value FROM json_each(?))";
    const rows = this.#sql.exec(query, JSON.stringify(agentIds)).toArray();
    return Object.fromEntries(
      rows.map((row) => {
        // Written by `note` alone.
        const hostLabels = JSON.parse(String(row.host_labels)) as Record<string, string>;
        return [String(row.agent_id), { hostLabels, seenAt: Number(row.seen_at) }];
      }),
    );
  }

  /** The agent is no longer there to come back. */
  forget(agentId: string): void {
    this.#sql.exec("DELETE FROM hellos WHERE agent_id = ?", agentId);
  }
}
