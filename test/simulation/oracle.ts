/** Knows what really ran, whatever anybody reports, and objects when something runs that must not. */
import type { Block } from "#protocol/blocks/index.ts";
import { blockAt } from "#protocol/paths.ts";
import type { Plan } from "#protocol/plan.ts";
import { Violation } from "./world.ts";

/** One start of an attempt: a process on an agent, a request from the edge, or another execution. */
export interface Run {
  readonly step: string;
  readonly attempt: number;
  readonly where: string;
  /** How it ended; `unknown` when nobody can tell. */
  end?: "known" | "unknown";
  running: boolean;
  /** Its agent could not end it and has said so. */
  isLeft?: boolean;
  isTold?: boolean;
  /** Its agent has lost its disk, and nobody had been told of the start before. */
  isForgotten?: boolean;
}

export class Oracle {
  readonly runs: Run[] = [];
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** @throws Violation when this start breaks a promise */
  starts(step: string, attempt: number, where: string): Run {
    const block = blockAt(this.#plan, step);
    const earlier = this.runs.filter((run) => run.step === step && !run.isForgotten);
    const name = `"${step}" attempt ${attempt} on ${where}`;
    if (!block) throw new Violation("G1", `${name} is not in the plan`);
    if (earlier.some((run) => run.attempt === attempt)) throw new Violation("G1", `${name} started twice`);
    const { maxAttempts, isSafe } = limitsOf(block);
    const beside = earlier.find((run) => run.running && !(run.isLeft && isSafe));
    if (beside) throw new Violation("G2", `${name} overlaps attempt ${beside.attempt} on ${beside.where}`);
    if (earlier.length >= maxAttempts) {
      throw new Violation("G2", `${name} is start ${earlier.length + 1} of at most ${maxAttempts}`);
    }
    if (!isSafe && earlier.some((run) => run.end === "unknown")) {
      throw new Violation("G1", `${name} started although nobody knows how the one before ended`);
    }
    const run: Run = { step, attempt, where, running: true };
    this.runs.push(run);
    return run;
  }

  /** The coordinator has recorded that it began. */
  told(step: string, attempt: number): void {
    for (const run of this.runs) {
      if (run.step === step && run.attempt === attempt && !run.isForgotten) run.isTold = true;
    }
  }

  /** No disk remembers what ran there, and its machine was set up anew. */
  forget(where: string): void {
    for (const run of this.runs) {
      if (!run.where.startsWith(where)) continue;
      run.running = false;
      run.end ??= "unknown";
      run.isForgotten ||= !run.isTold;
    }
  }
}

function limitsOf(block: Block): { maxAttempts: number; isSafe: boolean } {
  const maxAttempts = ("retry" in block && block.retry?.maxAttempts) || 1;
  return { maxAttempts, isSafe: "idempotent" in block && block.idempotent === true };
}
