import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { StatePaths } from "../paths.ts";
import type { SignatureGuard } from "../signatures/guard.ts";
import type { Folders } from "./folders.ts";
import type { Journal } from "./journal.ts";
import type { PipePool } from "./pipes.ts";
import type { ProcessTable } from "./processes.ts";
import type { Running } from "./running.ts";

/** What leases and attempts need of the machine they run on. */
export interface Host {
  paths: StatePaths;
  journal: Journal;
  folders: Folders;
  pipes: PipePool;
  table: ProcessTable;
  running: Running;
  /** Says whose signatures a step needs. */
  guard: SignatureGuard;
  clock: Clock;
  log: Log;
  bootId: string;
}
