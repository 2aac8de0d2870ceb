import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { StatePaths } from "../paths.ts";
import type { LauncherPool } from "../runners/launcher.ts";
import type { Cgroups } from "./cgroup.ts";
import type { Folders } from "./folders.ts";
import type { Journal } from "./journal.ts";
import type { StepLimits } from "./limits.ts";
import type { PipePool } from "./pipes.ts";
import type { ProcessTable } from "./processes.ts";
import type { Running } from "./running.ts";
import type { SpoolBudget } from "./spoolBudget.ts";

/** What leases and attempts need of the machine they run on. */
export interface Host {
  paths: StatePaths;
  journal: Journal;
  folders: Folders;
  pipes: PipePool;
  /** Undefined where the agent may make no cgroups. */
  cgroups: Cgroups | undefined;
  launchers: LauncherPool | undefined;
  /** What each attempt may use. */
  limits: StepLimits;
  spoolBudget: SpoolBudget;
  table: ProcessTable;
  running: Running;
  clock: Clock;
  log: Log;
  bootId: string;
}
