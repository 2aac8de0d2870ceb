/**
 * The execution as it is in memory: folded from the log when it is first asked
 * for, brought back from the archive when the log is only there, and forgotten
 * when the coordinator empties itself.
 */
import type { Env } from "../env.ts";
import { notify } from "../notifications/notify.ts";
import { Archiver } from "./archive/archiver.ts";
import type { CreateExecution } from "./contract.ts";
import { fold } from "./engine/fold.ts";
import type { EngineState } from "./engine/state.ts";
import { Projection } from "./projection.ts";
import type { ExecutionStore } from "./store.ts";
import { agentsOf, toNotification, toSummary } from "./view.ts";

/** Everything that exists only once the execution does. */
export interface Live {
  record: CreateExecution;
  state: EngineState;
  projection: Projection;
  archiver: Archiver;
}

export interface LivingDeps {
  env: Env;
  store: ExecutionStore;
  tellParent(): Promise<void>;
  /** True while somebody reads or is connected. */
  isInUse(): boolean;
  /** Rows of its log cannot be read: where it stands is not known. */
  damaged(detail: string): void;
  /** Goes on with a deletion for good of what ended before this time, ms since the epoch. */
  purge(endedBefore: number): Promise<void>;
  /** It has come back from the archive. */
  restored(): void;
  log(level: "info" | "error", message: string, fields: Record<string, unknown>): void;
}

export class Living {
  readonly #deps: LivingDeps;
  #live: Live | null | undefined;
  #waking: Promise<void> | undefined;

  constructor(deps: LivingDeps) {
    this.#deps = deps;
  }

  /** The execution has just been created. */
  begin(record: CreateExecution, state: EngineState): void {
    this.#live = this.#assemble(record, state);
  }

  /** Its log is not here any more, or it is gone for good. */
  forget(): void {
    this.#live = undefined;
  }

  /** Null for an execution that does not exist, or whose log is only in the archive: it has ended. */
  load(): Live | null {
    if (this.#live !== undefined) return this.#live;
    const { store, damaged } = this.#deps;
    if (store.isDropped) return null;
    const record = store.record();
    if (!record) {
      this.#live = null;
      return null;
    }
    const unreadable: number[] = [];
    const state = fold(
      record.plan,
      store.timedEvents((seq) => unreadable.push(seq)),
    );
    this.#live = this.#assemble(record, state);
    if (unreadable.length > 0 && !state.end) {
      // Whatever it held or waited for is let go: nobody knows where it stands.
      damaged(`its log cannot be read at ${unreadable.slice(0, 10).join(", ")}: where it stood is not known`);
    }
    return this.#live;
  }

  /** As `load`, for other objects, which must not wait for ever for one that cannot be loaded at all. */
  loadable(): Live | null {
    try {
      return this.load();
    } catch (error) {
      this.#deps.log("error", "this execution cannot be loaded; what it holds is given back", { error });
      return null;
    }
  }

  /** The execution, unless it was deleted. */
  visible(): Live | null {
    const live = this.load();
    return live && !this.#deps.store.isRemoved ? live : null;
  }

  /** @throws Error when it does not exist */
  need(): Live {
    const live = this.load();
    if (!live) throw new Error("this execution does not exist");
    return live;
  }

  /** Brings the log back when it is only in the archive; whoever reads waits for it. What was deleted nobody reads. */
  async awake(which: "visible" | "also deleted" = "visible"): Promise<void> {
    const { store, purge } = this.#deps;
    if (this.#live || !store.isDropped) return;
    if (which === "visible" && store.isRemoved) return;
    const { purgeFrom } = store;
    // Its archive may be gone already: what can be done is to end what was begun.
    if (purgeFrom !== undefined) return purge(purgeFrom);
    this.#waking ??= this.#restore().finally(() => {
      this.#waking = undefined;
    });
    await this.#waking;
  }

  /** Archives what has ended, and later lets go of the copy here. */
  async archive({ archiver }: Live): Promise<void> {
    await archiver.work(() => Date.now());
    if (this.#deps.store.isDropped) this.forget();
  }

  /** Resolves once nothing is being written to the archive, or read from it. */
  async idle(): Promise<void> {
    await this.#waking?.catch(() => undefined);
    await this.#live?.archiver.idle();
  }

  async #restore(): Promise<void> {
    const { store, log, restored } = this.#deps;
    const record = store.record();
    if (!record) return;
    await this.#archiver(record).restore();
    log("info", "execution brought back from the archive", {});
    this.load()?.archiver.touch(Date.now());
    restored();
  }

  #assemble(record: CreateExecution, state: EngineState): Live {
    const { env, store, tellParent } = this.#deps;
    const projection = new Projection({
      env,
      store,
      organizationId: record.plan.organizationId,
      summary: () => toSummary(record.executionId, this.need().state),
      facts: () => ({ requesterId: record.requesterId, agentIds: agentsOf(this.need().state) }),
      tellParent,
      tellOrganization: async () => {
        const event = toNotification(record.executionId, this.need().state, env.PUBLIC_URL);
        if (event) await notify(env, record.plan.organizationId, event);
      },
    });
    return { record, state, projection, archiver: this.#archiver(record) };
  }

  #archiver({ plan, planDigest, executionId }: CreateExecution): Archiver {
    const { env, store, isInUse } = this.#deps;
    return new Archiver({
      bucket: env.ARCHIVE,
      store,
      organizationId: plan.organizationId,
      executionId,
      planDigest,
      endedAt: () => (this.#live?.projection.dueAt === undefined ? this.#live?.state.end?.at : undefined),
      isInUse,
    });
  }
}
