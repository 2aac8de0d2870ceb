/**
 * Every minute: asks each execution that has not ended whether its alarm is
 * set. The platform tries an alarm a few times and then drops it; without this
 * an execution whose alarm was dropped would wait for ever (promise G5).
 */
import { type ExecutionName, systemDb } from "./db/system.ts";
import type { Env } from "./env.ts";
import { coordinatorName } from "./execution/contract.ts";
import { mapConcurrently } from "./http/concurrency.ts";
import { log } from "./log.ts";

const PAGE = 500;

/** More than this many are left for the next minute, which goes on from there: the bound keeps a sweep short. */
const AT_MOST = 10_000;

/** One that is younger than this has had no time to lose anything. */
const YOUNG_MS = 60_000;

/** Resolves with how many were asked. */
export async function sweep(env: Env, now: number, atMost: number = AT_MOST): Promise<number> {
  const db = systemDb(env.DB);
  const begun = await db.sweptTo();
  let asked = 0;
  let last = begun;
  do {
    const limit = Math.min(PAGE, atMost - asked);
    const page: ExecutionName[] = await db.openExecutions(new Date(now - YOUNG_MS), last, limit);
    await mapConcurrently(page, (name) => wake(env, name));
    asked += page.length;
    last = page.length === limit ? page.at(-1) : undefined;
  } while (last && asked < atMost);
  if (begun || last) await db.noteSweptTo(last);
  return asked;
}

async function wake(env: Env, { organizationId, id }: ExecutionName): Promise<void> {
  try {
    await env.EXECUTION_COORDINATOR.getByName(coordinatorName(organizationId, id)).sweep();
  } catch (error) {
    log("warn", "an execution could not be asked for its alarm", { organizationId, executionId: id, error });
  }
}
