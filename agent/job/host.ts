import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { StatePaths } from "../paths.ts";
import type { HostFacts } from "../policy/judge.ts";
import type { Policy } from "../policy/policy.ts";
import type { KnownSecrets } from "../redact/known.ts";
import type { LauncherPool } from "../runners/launcher.ts";
import type { SecretFiles } from "../secrets/files.ts";
import type { SecretKeeper } from "../secrets/keeper.ts";
import type { SignatureGuard } from "../signatures/guard.ts";
import type { Cgroups } from "./cgroup.ts";
import type { Folders } from "./folders.ts";
import type { Journal } from "./journal.ts";
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
  spoolBudget: SpoolBudget;
  table: ProcessTable;
  running: Running;
  secrets: SecretKeeper;
  secretFiles: SecretFiles;
  /** What is taken out of everything that is reported. */
  known: KnownSecrets;
  /** Says whose signatures a step needs. */
  guard: SignatureGuard;
  clock: Clock;
  /** `steadyTime`, for what must not be forgotten because the clock has jumped ahead. */
  steadyNow(): number;
  log: Log;
  bootId: string;
  /** What this host lets be done on it; another one once the file was read again. */
  policy: Policy;
  facts: HostFacts;
}
