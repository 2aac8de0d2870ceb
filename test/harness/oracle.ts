/**
 * Knows what really ran, whatever anybody reports: each start of a step appends
 * one line to a file, in a single write, and syncs it to disk.
 */
import { existsSync, readFileSync } from "node:fs";

export interface Run {
  step: string;
  attempt: number;
  pid: number;
}

export class Oracle {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** A line for the beginning of a script. */
  get line(): string {
    return `printf '%s %s %s\\n' "$FARHAND_STEP" "$FARHAND_ATTEMPT" $$ >> '${this.path}'; sync '${this.path}'`;
  }

  /** Every start, in order. */
  runs(step?: string): Run[] {
    if (!existsSync(this.path)) return [];
    const lines = readFileSync(this.path, "utf8").split("\n").filter(Boolean);
    return lines
      .map((line): Run => {
        const [name = "", attempt, pid] = line.split(" ");
        return { step: name, attempt: Number(attempt), pid: Number(pid) };
      })
      .filter((run) => step === undefined || run.step === step);
  }
}
