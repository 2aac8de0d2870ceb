/**
 * The named locks of one organization, and the places of the executions that
 * it runs at once: who has them, who waits. Its own object, because both reach
 * across runbooks and pools. A holder that has ended without saying so is found
 * by asking its coordinator.
 */
import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import type { Env } from "../env.ts";
import { coordinatorName } from "../execution/contract.ts";
import { log } from "../log.ts";
import type { LockReply, LockRequest, LocksApi, LockView } from "./contract.ts";
import { type Entry, grantable, placeOf } from "./queue.ts";

/** How often holders and waiting ones are asked whether they still want their locks. */
const CHECK_MS = 60_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS requests (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL UNIQUE,
    execution TEXT NOT NULL, step TEXT NOT NULL, title TEXT NOT NULL,
    locks TEXT NOT NULL, slot INTEGER NOT NULL, since INTEGER NOT NULL, granted INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS fences (name TEXT PRIMARY KEY, fence INTEGER NOT NULL);
`;

const LIMIT_KEY = "limit";

const locksSchema = z.array(z.object({ name: z.string(), mode: z.enum(["shared", "exclusive"]) }));

export class OrganizationLocks extends DurableObject<Env> implements LocksApi {
  readonly #sql = this.ctx.storage.sql;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql.exec(SCHEMA);
  }

  async acquireLocks({ executionId, step, title, locks, slot }: LockRequest): Promise<LockReply> {
    const owner = ownerOf(executionId, step);
    this.#sql.exec(
      "INSERT OR IGNORE INTO requests (owner, execution, step, title, locks, slot, since) VALUES (?, ?, ?, ?, ?, ?, ?)",
      owner,
      executionId,
      step,
      title,
      JSON.stringify(locks),
      slot ? 1 : 0,
      Date.now(),
    );
    const granted = this.#grant();
    this.#tell(granted.filter((entry) => entry.owner !== owner));
    await this.#setAlarm();
    return this.#standing(owner, this.#entries());
  }

  #standing(owner: string, entries: readonly Entry[]): LockReply {
    const own = entries.find((entry) => entry.owner === owner);
    return own?.granted ? { outcome: "granted", fences: this.#fencesOf(own) } : placeOf(entries, owner);
  }

  async releaseLocks(executionId: string, step: string): Promise<void> {
    this.#sql.exec("DELETE FROM requests WHERE owner = ?", ownerOf(executionId, step));
    this.#tell(this.#grant());
  }

  async setLimit(limit: number | null): Promise<void> {
    if (limit === null) this.ctx.storage.kv.delete(LIMIT_KEY);
    else this.ctx.storage.kv.put(LIMIT_KEY, limit);
    this.#tell(this.#grant());
  }

  async listLocks(): Promise<LockView[]> {
    const views = new Map<string, LockView>();
    for (const entry of this.#entries()) {
      const { executionId, step, title, since } = entry;
      for (const { name, mode } of entry.locks) {
        const view = views.get(name) ?? { name, fence: this.#fence(name), holders: [], waiting: [] };
        views.set(name, view);
        (entry.granted ? view.holders : view.waiting).push({ executionId, step, title, mode, since });
      }
    }
    return [...views.values()].sort((one, other) => one.name.localeCompare(other.name));
  }

  /** Tells everybody how they stand, and hears whether they still want what they have or wait for. */
  override async alarm(): Promise<void> {
    const entries = this.#entries();
    for (const { owner, executionId, step } of entries) {
      try {
        const standing = this.#standing(owner, entries);
        const isWanted = await this.#coordinator(executionId).locksStand(step, standing);
        if (!isWanted) await this.releaseLocks(executionId, step);
      } catch (error) {
        log("warn", "a holder of locks could not be asked; it keeps them", { executionId, step, error });
      }
    }
    await this.#setAlarm();
  }

  /** Grants whatever can be granted; each grant of a lock has a higher number than all before. */
  #grant(): Entry[] {
    return this.ctx.storage.transactionSync(() => {
      const entries = this.#entries();
      const limit = this.ctx.storage.kv.get<number>(LIMIT_KEY) ?? Number.POSITIVE_INFINITY;
      const owners = grantable(entries, limit);
      for (const owner of owners) {
        this.#sql.exec("UPDATE requests SET granted = 1 WHERE owner = ?", owner);
        for (const { name } of entries.find((entry) => entry.owner === owner)?.locks ?? []) {
          this.#sql.exec(
            "INSERT INTO fences (name, fence) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET fence = fence + 1",
            name,
          );
        }
      }
      return entries.filter((entry) => owners.includes(entry.owner));
    });
  }

  /** Tells coordinators of their grants. One that misses it is told again by the alarm. */
  #tell(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const reply = { outcome: "granted", fences: this.#fencesOf(entry) } as const;
      const told = this.#coordinator(entry.executionId).locksStand(entry.step, reply);
      this.ctx.waitUntil(
        told.catch((error) =>
          log("warn", "a grant of locks could not be told", { executionId: entry.executionId, error }),
        ),
      );
    }
  }

  #coordinator(executionId: string) {
    const organizationId = this.ctx.id.name ?? "";
    return this.env.EXECUTION_COORDINATOR.getByName(coordinatorName(organizationId, executionId));
  }

  #entries(): Entry[] {
    return this.#sql
      .exec("SELECT * FROM requests ORDER BY place")
      .toArray()
      .map((row) => ({
        owner: String(row.owner),
        executionId: String(row.execution),
        step: String(row.step),
        title: String(row.title),
        locks: locksSchema.parse(JSON.parse(String(row.locks))),
        slot: row.slot === 1,
        since: Number(row.since),
        granted: row.granted === 1,
      }));
  }

  #fencesOf({ locks }: Entry): Record<string, number> {
    return Object.fromEntries(locks.map(({ name }) => [name, this.#fence(name)]));
  }

  #fence(name: string): number {
    const [row] = this.#sql.exec("SELECT fence FROM fences WHERE name = ?", name).toArray();
    return Number(row?.fence ?? 0);
  }

  async #setAlarm(): Promise<void> {
    const [row] = this.#sql.exec("SELECT COUNT(*) AS count FROM requests").toArray();
    if (Number(row?.count) > 0 && (await this.ctx.storage.getAlarm()) === null) {
      await this.ctx.storage.setAlarm(Date.now() + CHECK_MS);
    }
  }
}

function ownerOf(executionId: string, step: string): string {
  return `${executionId}/${step}`;
}
