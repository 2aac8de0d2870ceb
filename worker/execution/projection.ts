/**
 * The index in D1 follows the coordinator: one write soon after the execution
 * appears, one when it ends, each tried again until it sticks (G17). Whatever
 * happens in between, lists ask the coordinators or listen to the feed. The end
 * counts as written once the parent and the organization have been told as well;
 * all of it may be repeated.
 */
import type { ExecutionSummary } from "#protocol/api/executions.ts";
import { isExecutionTerminal } from "#protocol/states.ts";
import type { IndexedFacts } from "../db/repositories/executions.ts";
import { tenantDb } from "../db/tenant.ts";
import type { Env } from "../env.ts";
import { log } from "../log.ts";
import type { ExecutionStore } from "./store.ts";

/**
 * How long a new execution waits for its row. One that has ended by then is
 * written once instead of twice, and the write does not compete with the start.
 */
const FIRST_WRITE_DELAY_MS = 200;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 60_000;

export interface ProjectionDeps {
  env: Env;
  store: ExecutionStore;
  organizationId: string;
  summary(): ExecutionSummary;
  facts(): IndexedFacts;
  /** Says how it ended to the execution that started it; nothing to do for one that people started. */
  tellParent(): Promise<void>;
  /** Says how it ended to the organization. */
  tellOrganization(): Promise<void>;
}

export class Projection {
  readonly #env: Env;
  readonly #store: ExecutionStore;
  readonly #organizationId: string;
  readonly #summary: () => ExecutionSummary;
  readonly #facts: () => IndexedFacts;
  readonly #tellParent: () => Promise<void>;
  readonly #tellOrganization: () => Promise<void>;
  #writing = false;
  #failures = 0;
  #retryAt: number | undefined;

  constructor(deps: ProjectionDeps) {
    const { env, store, organizationId, summary, facts, tellParent, tellOrganization } = deps;
    this.#env = env;
    this.#store = store;
    this.#organizationId = organizationId;
    this.#summary = summary;
    this.#facts = facts;
    this.#tellParent = tellParent;
    this.#tellOrganization = tellOrganization;
  }

  /** When the next try is due; undefined while the index is up to date or being written. */
  get dueAt(): number | undefined {
    if (this.#writing || !this.#behind()) return undefined;
    const { createdAt, finishedAt } = this.#summary();
    return this.#retryAt ?? Date.parse(finishedAt ?? createdAt) + (finishedAt ? 0 : FIRST_WRITE_DELAY_MS);
  }

  #behind(): boolean {
    const projected = this.#store.projected;
    const { state } = this.#summary();
    return projected === undefined || (isExecutionTerminal(state) && projected !== state);
  }

  /** Brings the index up to date. Never throws; a failure is tried again at `dueAt`. */
  async write(now: () => number): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    try {
      // What ended while the first write was under way is written next.
      while (this.#behind()) {
        const summary = this.#summary();
        const hasEnded = isExecutionTerminal(summary.state);
        if (hasEnded) await this.#tellParent();
        await tenantDb(this.#env.DB, this.#organizationId).executions.project(summary, this.#facts());
        if (hasEnded) await this.#tellOrganization();
        this.#store.projected = summary.state;
      }
      this.#failures = 0;
      this.#retryAt = undefined;
    } catch (error) {
      this.#failures++;
      this.#retryAt = now() + Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (this.#failures - 1));
      log("warn", "the index could not be written; it is tried again", {
        organizationId: this.#organizationId,
        executionId: this.#summary().id,
        failures: this.#failures,
        error,
      });
    } finally {
      this.#writing = false;
    }
  }
}
