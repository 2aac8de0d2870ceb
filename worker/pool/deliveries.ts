/**
 * Sealed secrets on their way to the pool's agents: kept until the agent has
 * answered or seven days have passed, then only who asked for it and what came
 * of it. All that is ever here of a value is its ciphertext.
 */
import type { Actor } from "#protocol/actor.ts";
import type { PoolControlMessage } from "#protocol/control.ts";
import { COMMAND_RESEND_MS } from "#protocol/limits.ts";
import { SEALED_LIFE_MS, type SealedEnvelope, type SealingKey } from "#protocol/sealing/envelope.ts";
import { SECRETS_TOLD_MAX } from "#protocol/secrets.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sealing_keys (
    agent_id TEXT PRIMARY KEY, public_key TEXT NOT NULL, signature TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS deliveries (
    agent_id TEXT NOT NULL, name TEXT NOT NULL, action TEXT NOT NULL, version INTEGER NOT NULL, envelope TEXT,
    state TEXT NOT NULL, detail TEXT, actor TEXT NOT NULL, at INTEGER NOT NULL, sent_at INTEGER, settled_at INTEGER,
    PRIMARY KEY (agent_id, name)
  );
  CREATE INDEX IF NOT EXISTS deliveries_open ON deliveries (at) WHERE state = 'pending';
`;

/** Most characters of envelopes that wait for one agent, and for all of a pool. */
const AGENT_WAITING_MAX = 4 * 1024 * 1024;
const POOL_WAITING_MAX = 512 * 1024 * 1024;

type Command = Extract<PoolControlMessage, { type: "secret.put" | "secret.remove" }>;

/** What somebody asked an agent to do with a secret, as the pool remembers it; times in ms since the epoch. */
export interface Delivery {
  name: string;
  action: "put" | "remove";
  state: "pending" | "done" | "refused" | "expired";
  detail: string | undefined;
  version: number;
  actor: Actor;
  at: number;
  settledAt: number | undefined;
}

interface Asked {
  name: string;
  actor: Actor;
  now: number;
}

/** Why an agent is not asked to keep a secret. */
export type SealProblem = { agentId: string; problem: "no_key" | "newer" | "full" };

export class Deliveries {
  readonly #sql: SqlStorage;
  /** Sends to an agent that is connected; false when it is not. */
  readonly #send: (agentId: string, command: Command) => boolean;

  constructor(storage: DurableObjectStorage, send: (agentId: string, command: Command) => boolean) {
    this.#sql = storage.sql;
    this.#send = send;
    this.#sql.exec(SCHEMA);
  }

  /** Asks agents to keep a secret: all of them or, when one cannot be asked, none. Safe to repeat. */
  put(envelopes: Readonly<Record<string, SealedEnvelope>>, asked: Asked): SealProblem[] {
    const all = Object.entries(envelopes);
    const problems = all.flatMap(([agentId, envelope]): SealProblem[] => {
      const problem = this.#problemOf(agentId, asked.name, envelope);
      return problem ? [{ agentId, problem }] : [];
    });
    if (problems.length > 0) return problems;
    for (const [agentId, envelope] of all) {
      this.#ask(
        agentId,
        { action: "put", version: envelope.version, envelope: JSON.stringify(envelope) },
        asked,
      );
    }
    return [];
  }

  /** Asks these agents to forget a secret. */
  remove(agentIds: readonly string[], asked: Asked): void {
    for (const agentId of agentIds) {
      const version = Math.max(asked.now, (this.#row(agentId, asked.name)?.version ?? 0) + 1);
      this.#ask(agentId, { action: "remove", version, envelope: null }, asked);
    }
  }

  /** By agent: the last that was asked of it, for each name. */
  all(): Map<string, Delivery[]> {
    const rows = this.#sql.exec("SELECT * FROM deliveries ORDER BY agent_id, name").toArray();
    const byAgent = new Map<string, Delivery[]>();
    for (const row of rows) {
      const agentId = String(row.agent_id);
      byAgent.set(agentId, [...(byAgent.get(agentId) ?? []), toDelivery(row)]);
    }
    return byAgent;
  }

  /** The agents that were asked to keep this secret, whatever came of it. */
  askedFor(name: string): string[] {
    const query =
      "SELECT agent_id FROM deliveries WHERE name = ? AND NOT (action = 'remove' AND state = 'done')";
    return this.#sql
      .exec(query, name)
      .toArray()
      .map((row) => String(row.agent_id));
  }

  keys(): Map<string, SealingKey> {
    const rows = this.#sql.exec("SELECT * FROM sealing_keys").toArray();
    return new Map(
      rows.map((row) => [
        String(row.agent_id),
        { publicKey: String(row.public_key), signature: String(row.signature) },
      ]),
    );
  }

  /** An agent says hello: it is told all that waits for it. */
  greet(agentId: string, key: SealingKey | undefined, now: number): void {
    if (key) {
      this.#sql.exec(
        "INSERT OR REPLACE INTO sealing_keys VALUES (?, ?, ?)",
        ...[agentId, key.publicKey, key.signature],
      );
      this.#sendOpen("agent_id = ?", agentId, now);
    } else this.#sql.exec("DELETE FROM sealing_keys WHERE agent_id = ?", agentId);
  }

  /**
   * An agent's answer; one to a command that is no longer open changes nothing.
   * @returns what it was about
   */
  answered(
    agentId: string,
    { id, outcome, detail }: { id: string; outcome: "done" | "refused"; detail?: string | undefined },
    now: number,
  ): Delivery | undefined {
    const query = "SELECT * FROM deliveries WHERE agent_id = ? AND state = 'pending'";
    const row = this.#sql
      .exec(query, agentId)
      .toArray()
      .find((each) => commandId(each) === id);
    if (!row) return undefined;
    this.#settle("agent_id = ? AND name = ?", [agentId, String(row.name)], outcome, detail, now);
    return { ...toDelivery(row), state: outcome, detail };
  }

  /** Says again what was not answered (CM1), and gives up what nobody came for. */
  repeat(now: number): void {
    this.#settle("state = 'pending' AND at <= ?", [now - SEALED_LIFE_MS], "expired", undefined, now);
    this.#sendOpen("sent_at <= ?", now - COMMAND_RESEND_MS, now);
  }

  /** When it has to be looked at again; undefined for never. */
  nextLook(): number | undefined {
    const row = this.#sql
      .exec("SELECT MIN(sent_at) AS sent, MIN(at) AS at FROM deliveries WHERE state = 'pending'")
      .one();
    if (row.at === null) return undefined;
    const sent = row.sent === null ? Number.POSITIVE_INFINITY : Number(row.sent);
    return Math.min(sent + COMMAND_RESEND_MS, Number(row.at) + SEALED_LIFE_MS);
  }

  /** The agent is no longer there to be told anything. */
  forget(agentId: string): void {
    this.#sql.exec("DELETE FROM sealing_keys WHERE agent_id = ?", agentId);
    this.#sql.exec("DELETE FROM deliveries WHERE agent_id = ?", agentId);
  }

  #problemOf(agentId: string, name: string, envelope: SealedEnvelope): SealProblem["problem"] | undefined {
    const key = this.#sql.exec("SELECT 1 FROM sealing_keys WHERE agent_id = ?", agentId).toArray()[0];
    if (!key) return "no_key";
    const row = this.#row(agentId, name);
    const isRepeat = row?.version === envelope.version && row.envelope === JSON.stringify(envelope);
    if (row && Number(row.version) >= envelope.version && !isRepeat) return "newer";
    const waiting = (where: string, ...values: string[]) =>
      this.#sql
        .exec(
          `SELECT COUNT(*) AS n, COALESCE(SUM(LENGTH(envelope)), 0) AS size FROM deliveries ${where}`,
          ...values,
        )
        .one();
    const [own, all] = [waiting("WHERE agent_id = ?", agentId), waiting("")];
    const isFull =
      Number(own.n) >= SECRETS_TOLD_MAX ||
      Number(own.size) + envelope.sealed.length > AGENT_WAITING_MAX ||
      Number(all.size) + envelope.sealed.length > POOL_WAITING_MAX;
    return isFull && !row ? "full" : undefined;
  }

  #ask(
    agentId: string,
    { action, version, envelope }: { action: "put" | "remove"; version: number; envelope: string | null },
    { name, actor, now }: Asked,
  ): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO deliveries (agent_id, name, action, version, envelope, state, actor, at) VALUES (?, ?, ?, ?, ?, 'pending', ?, ?)",
      ...[agentId, name, action, version, envelope, JSON.stringify(actor), now],
    );
    this.#sendOpen("agent_id = ?1 AND name = ?2", [agentId, name], now);
  }

  #sendOpen(where: string, value: SqlStorageValue | SqlStorageValue[], now: number): void {
    const rows = this.#sql
      .exec(`SELECT * FROM deliveries WHERE state = 'pending' AND ${where}`, ...[value].flat())
      .toArray();
    for (const row of rows) {
      const agentId = String(row.agent_id);
      const isSent = this.#send(agentId, commandOf(row));
      // One that is away is told when it says hello.
      this.#sql.exec(
        "UPDATE deliveries SET sent_at = ? WHERE agent_id = ? AND name = ?",
        ...[isSent ? now : null, agentId, String(row.name)],
      );
    }
  }

  #settle(
    where: string,
    values: SqlStorageValue[],
    state: Delivery["state"],
    detail: string | undefined,
    now: number,
  ): void {
    this.#sql.exec(
      `UPDATE deliveries SET state = ?, detail = ?, settled_at = ?, envelope = NULL, sent_at = NULL WHERE ${where}`,
      ...[state, detail ?? null, now, ...values],
    );
  }

  #row(agentId: string, name: string): { version: number; envelope: string | null } | undefined {
    const query = "SELECT version, envelope FROM deliveries WHERE agent_id = ? AND name = ?";
    const row = this.#sql.exec(query, agentId, name).toArray()[0];
    return (
      row && { version: Number(row.version), envelope: row.envelope === null ? null : String(row.envelope) }
    );
  }
}

type SqlRow = Record<string, SqlStorageValue>;

/** Says what it is about: the same again has the same id. */
function commandId({ action, name, version }: SqlRow): string {
  return `secret.${action}:${name}:${version}`;
}

function commandOf(row: SqlRow): Command {
  const [id, name] = [commandId(row), String(row.name)];
  if (row.action === "remove") return { type: "secret.remove", id, name };
  // Written by `put` alone.
  return { type: "secret.put", id, name, envelope: JSON.parse(String(row.envelope)) as SealedEnvelope };
}

const STATES = ["done", "refused", "expired"] as const;

function toDelivery(row: SqlRow): Delivery {
  return {
    name: String(row.name),
    action: row.action === "remove" ? "remove" : "put",
    state: STATES.find((each) => each === row.state) ?? "pending",
    detail: row.detail === null ? undefined : String(row.detail),
    version: Number(row.version),
    // Written by `#ask` alone.
    actor: JSON.parse(String(row.actor)) as Actor,
    at: Number(row.at),
    settledAt: row.settled_at === null ? undefined : Number(row.settled_at),
  };
}
