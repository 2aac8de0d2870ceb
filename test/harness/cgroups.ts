import { systemClock } from "../../agent/clock.ts";
import { Cgroups } from "../../agent/job/cgroup.ts";
import { silentLog } from "../../agent/testing/silent-log.ts";

/** Whether this machine lets tests make groups. */
export const hasCgroups = Cgroups.open("a look at this machine", systemClock, silentLog) !== undefined;
if (!hasCgroups) console.warn("no cgroup v2 is to be had here: tests that need one are left out");

/** The names of the groups of an agent. */
export function cgroupsOf(stateDir: string): string[] {
  return Cgroups.open(stateDir, systemClock, silentLog)?.names() ?? [];
}

/** Removes the groups that an agent which was killed has left, as its next start would. */
export async function clearCgroups(stateDir: string): Promise<void> {
  await Cgroups.open(stateDir, systemClock, silentLog)?.clearLeftovers();
}
