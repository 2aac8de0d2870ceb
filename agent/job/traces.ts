/** What a lease leaves on disk beside the journal and the spools: its plan, and the folders that its scripts run in. */
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Plan, planSchema } from "#protocol/plan.ts";
import type { Lease } from "#protocol/socket.ts";
import type { StatePaths } from "../paths.ts";
import { type ExecutionFolders, foldersOf } from "../runners/command.ts";
import { leaseKey } from "./records.ts";

export class LeaseTraces {
  readonly #plan: string;
  readonly #folder: string;
  #written: Promise<void> = Promise.resolve();

  constructor(lease: Lease, paths: StatePaths) {
    this.#plan = join(paths.plans, `${leaseKey(lease)}.json`);
    this.#folder = join(paths.executions, executionFolderName(lease));
  }

  get folders(): ExecutionFolders {
    return foldersOf(this.#folder);
  }

  /** Keeps the plan for after a restart. @throws the system's error */
  keepPlan(plan: Plan): Promise<void> {
    const writing = writeFile(this.#plan, JSON.stringify(plan), { mode: 0o600 });
    this.#written = writing.catch(() => {});
    return writing;
  }

  /** The plan that an earlier run kept; undefined when it is not there or not whole. */
  loadPlan(): Plan | undefined {
    try {
      const result = planSchema.safeParse(JSON.parse(readFileSync(this.#plan, "utf8")));
      return result.success ? result.data : undefined;
    } catch {
      return undefined;
    }
  }

  /** @throws the system's error when something cannot be removed; the next start clears it away */
  async remove(): Promise<void> {
    await this.#written;
    const options = { recursive: true, force: true };
    await Promise.all([rm(this.#plan, options), rm(this.#folder, options)]);
  }
}

/** Name of the folder that the scripts of one grant run in. */
export function executionFolderName({ executionId, fence }: Pick<Lease, "executionId" | "fence">): string {
  return `${executionId}.${fence}`;
}
