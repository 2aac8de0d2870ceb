import { isId } from "#protocol/ids.ts";
import type { RunbookDocument } from "#protocol/runbook/document.ts";
import type { TriggerSource } from "../../db/repositories/runbooks.ts";
import { type TenantDb, tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import { CHILD_DEPTH_MAX, NO_SURROUNDINGS, needsOf, type Surroundings } from "../../execution/plan.ts";

/** Most runbooks that one plan may hold, with all that they start themselves. */
const RUNBOOKS_MAX = 50;

/**
 * What a document speaks of that is kept elsewhere: pools by name, and other
 * runbooks with everything that those speak of. A document that speaks of
 * nothing, as most do, costs no statement.
 * @throws ApiError `invalid_runbook` when a runbook starts itself, is not there, or they are too many
 */
export async function surroundingsOf(
  env: Env,
  organizationId: string,
  root: { runbookId: string; document: RunbookDocument },
): Promise<Surroundings> {
  const needs = needsOf(root.document);
  if (needs.pools.length === 0 && needs.runbooks.length === 0) return NO_SURROUNDINGS;
  const collector = new Collector(tenantDb(env.DB, organizationId));
  return { ...(await collector.collect(root.document, [root.runbookId])), ...collector.found };
}

class Collector {
  readonly #db: TenantDb;
  /** By version id: how many levels of runbooks lie below. */
  readonly #heights = new Map<string, number>();
  readonly #sources = new Map<string, Promise<TriggerSource>>();
  readonly found: Pick<Surroundings, "pools" | "runbooks"> = { pools: {}, runbooks: {} };

  constructor(db: TenantDb) {
    this.#db = db;
  }

  /** @param above the runbooks that lead here, outermost first */
  async collect(
    document: RunbookDocument,
    above: readonly string[],
  ): Promise<Pick<Surroundings, "children">> {
    const needs = needsOf(document);
    const missing = needs.pools.filter((name) => !Object.hasOwn(this.found.pools, name));
    if (missing.length > 0) Object.assign(this.found.pools, await this.#db.pools.idsOf(missing));
    const children: Record<string, string> = {};
    for (const { block, runbook, version } of needs.runbooks) {
      children[block] = await this.#child(runbook, version, above);
    }
    return { children };
  }

  /** The id of the version that a block starts, collected with all that it needs. */
  async #child(reference: string, number: number | undefined, above: readonly string[]): Promise<string> {
    const source = await this.#found(reference, number);
    const { version, pool, poolName, signatures } = source;
    if (!version) throw refused(`The runbook "${reference}" has no version ${number}.`);
    if (above.includes(version.runbookId)) throw refused(`The runbook "${reference}" would start itself.`);
    // What is known already may lie deeper here than where it was met first.
    if (above.length + (this.#heights.get(version.id) ?? 0) > CHILD_DEPTH_MAX) {
      throw refused(`Runbooks may start each other ${CHILD_DEPTH_MAX} deep; "${reference}" goes deeper.`);
    }
    if (!pool)
      throw refused(`The runbook "${reference}" runs in the pool "${poolName}", which does not exist.`);
    if (this.found.runbooks[version.id]) return version.id;
    if (Object.keys(this.found.runbooks).length >= RUNBOOKS_MAX) {
      throw refused(`One execution may start at most ${RUNBOOKS_MAX} different runbooks.`);
    }
    const { children } = await this.collect(version.document, [...above, version.runbookId]);
    this.found.runbooks[version.id] = { version, pool, children, signatures };
    const below = Object.values(children).map((id) => 1 + (this.#heights.get(id) ?? 0));
    this.#heights.set(version.id, Math.max(0, ...below));
    return version.id;
  }

  /** Looked up once, however many blocks name it. */
  #found(reference: string, number: number | undefined): Promise<TriggerSource> {
    const key = JSON.stringify([reference, number]);
    const known = this.#sources.get(key);
    if (known) return known;
    const source = this.#find(reference, number);
    this.#sources.set(key, source);
    return source;
  }

  async #find(reference: string, number: number | undefined): Promise<TriggerSource> {
    const ids = isId("runbook", reference) ? [reference] : await this.#db.runbooks.idsByTitle(reference);
    const [id, another] = ids;
    if (another !== undefined) {
      throw refused(`Several runbooks are called "${reference}"; name the one that is meant by its id.`);
    }
    const source = id === undefined ? null : await this.#db.runbooks.forTrigger(id, number, undefined);
    if (!source) throw refused(`There is no runbook "${reference}", which a block of this one starts.`);
    return source;
  }
}

function refused(detail: string): ApiError {
  return new ApiError("invalid_runbook", detail);
}
