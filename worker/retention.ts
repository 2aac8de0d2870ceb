/**
 * Every minute: deletes executions that ended longer ago than their
 * organization keeps them. What is left over waits for the next minute.
 */
import { systemDb } from "./db/system.ts";
import type { Env } from "./env.ts";
import { mapConcurrently } from "./http/concurrency.ts";
import { log } from "./log.ts";
import { coordinatorOf } from "./objects.ts";

/** Most of them in one minute. */
const AT_MOST = 500;

/** Resolves with how many were deleted. `now` in ms since the epoch. */
export async function purgeExpired(env: Env, now: number): Promise<number> {
  const expired = await systemDb(env.DB).expiredExecutions(new Date(now), AT_MOST);
  const purged = await mapConcurrently(expired, async ({ organizationId, id, endedBefore }) => {
    try {
      await coordinatorOf(env, organizationId, id)().purge(endedBefore.getTime());
      return 1;
    } catch (error) {
      log("warn", "an execution could not be deleted yet", { organizationId, executionId: id, error });
      return 0;
    }
  });
  return purged.reduce((sum: number, each) => sum + each, 0);
}
