/**
 * Agents of which two machines were found with one key (HS5): how that shows, and who is in
 * quarantine until a person has put it right. The organization hears of each, however long that takes.
 */
import { type Connect, type CounterVerdict, judgeCounter } from "./clones.ts";
import type { AgentIdentity } from "./contract.ts";
import { TELL_AGAIN_MS } from "./deadlines.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS connects (
    agent_id TEXT PRIMARY KEY, counter INTEGER NOT NULL, issued_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS quarantines (
    agent_id TEXT PRIMARY KEY, name TEXT NOT NULL, found_at INTEGER NOT NULL, tried_at INTEGER
  ) WITHOUT ROWID;
`;

/** An agent of which two machines were found. */
interface Quarantine {
  agentId: string;
  name: string;
  /** Ms since the epoch. */
  foundAt: number;
}

interface Means {
  /** Notes a quarantine for all to see, and tells the organization. Rejects when that has to be repeated. */
  note(found: Quarantine): Promise<void>;
  /** Has the object live until the work is done. */
  background(work: Promise<unknown>): void;
}

export class Quarantines {
  readonly #sql: SqlStorage;
  readonly #means: Means;
  /** By agent: its quarantine is being noted and told of. */
  readonly #telling = new Map<string, Promise<unknown>>();

  constructor(storage: DurableObjectStorage, means: Means) {
    this.#sql = storage.sql;
    this.#means = means;
    this.#sql.exec(SCHEMA);
  }

  /** What a try to connect shows. Whose counter is new is remembered; a clone is in quarantine from here on. */
  judge(agent: AgentIdentity, now: number): CounterVerdict | "quarantined" {
    const { agentId, counter, issuedAt } = agent;
    const isKnown = this.#isQuarantined(agentId);
    const verdict = isKnown ? "quarantined" : judgeCounter(this.#lastConnect(agentId), { counter, issuedAt });
    if (verdict === "new" && counter !== undefined) this.#noteConnect(agentId, { counter, issuedAt });
    // Who is in quarantine and still sent here is not noted as such, or was not a moment ago.
    if (verdict === "clone" || verdict === "quarantined") this.#quarantine(agent, now);
    return verdict;
  }

  /** Tells of those that the organization may not have heard of. Again by the alarm, until it has arrived everywhere. */
  tell(now: number): void {
    for (const untold of this.#untoldSince(now - TELL_AGAIN_MS)) {
      this.#noteTold(untold, now);
      const { agentId } = untold;
      const told = this.#means.note(untold);
      this.#means.background(told.then(() => this.#noteTold(untold, null)));
      const telling = Promise.allSettled([this.#telling.get(agentId), told]).then(() => {
        if (this.#telling.get(agentId) === telling) this.#telling.delete(agentId);
      });
      this.#telling.set(agentId, telling);
    }
  }

  /** When the quarantine that waits longest to be heard of was last told of. */
  oldestUntold(): number | undefined {
    const row = this.#sql.exec("SELECT MIN(tried_at) AS at FROM quarantines").one();
    return row.at === null ? undefined : Number(row.at);
  }

  /** What was counted of an agent, and that it is in quarantine. */
  forget(agentId: string): void {
    this.#sql.exec("DELETE FROM connects WHERE agent_id = ?", agentId);
    this.#sql.exec("DELETE FROM quarantines WHERE agent_id = ?", agentId);
  }

  /** A person has put it right. Waits for what is still being noted: coming later, that would hold for good. */
  async release(agentId: string): Promise<void> {
    this.forget(agentId);
    await this.#telling.get(agentId);
  }

  /** To be told of, from when it was first found. */
  #quarantine({ agentId, name }: AgentIdentity, now: number): void {
    this.#sql.exec(
      "INSERT INTO quarantines VALUES (?, ?, ?, 0) ON CONFLICT DO UPDATE SET tried_at = COALESCE(tried_at, 0)",
      ...[agentId, name, now],
    );
    this.tell(now);
  }

  #isQuarantined(agentId: string): boolean {
    return this.#sql.exec("SELECT 1 FROM quarantines WHERE agent_id = ?", agentId).toArray().length > 0;
  }

  #untoldSince(by: number): Quarantine[] {
    return this.#sql
      .exec("SELECT * FROM quarantines WHERE tried_at <= ?", by)
      .toArray()
      .map(({ agent_id, name, found_at }) => ({
        agentId: String(agent_id),
        name: String(name),
        foundAt: Number(found_at),
      }));
  }

  /** @param triedAt null when the organization has heard of it */
  #noteTold({ agentId, foundAt }: Quarantine, triedAt: number | null): void {
    const query = "UPDATE quarantines SET tried_at = ? WHERE agent_id = ? AND found_at = ?";
    this.#sql.exec(query, triedAt, agentId, foundAt);
  }

  /** The last connect of an agent that was counted; undefined when none was. */
  #lastConnect(agentId: string): Connect | undefined {
    const query = "SELECT counter, issued_at FROM connects WHERE agent_id = ?";
    const row = this.#sql.exec(query, agentId).toArray()[0];
    return row && { counter: Number(row.counter), issuedAt: Number(row.issued_at) };
  }

  #noteConnect(agentId: string, { counter, issuedAt }: Connect): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO connects (agent_id, counter, issued_at) VALUES (?, ?, ?)",
      ...[agentId, counter, issuedAt],
    );
  }
}
