import { systemClock } from "../../agent/clock.ts";
import { Cgroups } from "../../agent/job/cgroup.ts";
import { silentLog } from "../../agent/testing/silent-log.ts";

/** Removes the groups that an agent which was killed has left, as its next start would. */
export async function clearCgroups(stateDir: string): Promise<void> {
  await Cgroups.open(stateDir, systemClock, silentLog)?.clearLeftovers();
}
