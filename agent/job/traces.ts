/** What a lease leaves on disk beside the journal and the spools: its plan. */
import { readFileSync, writeFileSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { join } from "node:path";
import { type Plan, planSchema } from "#protocol/plan.ts";
import type { Lease } from "#protocol/socket.ts";
import { errorCode } from "../files.ts";
import type { StatePaths } from "../paths.ts";
import { leaseKey } from "./records.ts";

export class LeaseTraces {
  readonly #plan: string;

  constructor(lease: Lease, paths: StatePaths) {
    this.#plan = join(paths.plans, `${leaseKey(lease)}.json`);
  }

  /** Keeps the plan for after a restart; once this returns it survives the agent's death. @throws the system's error */
  keepPlan(plan: Plan): void {
    writeFileSync(this.#plan, JSON.stringify(plan), { mode: 0o600 });
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

  /** @throws the system's error when it cannot be removed; the next start clears it away */
  async remove(): Promise<void> {
    await unlink(this.#plan).catch((error) => {
      if (errorCode(error) !== "ENOENT") throw error;
    });
  }
}
