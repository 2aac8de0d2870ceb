/** What is wrong with a source, gathered so that all of it can be told at once. */
import type { ProblemIssue } from "../errors.ts";

/** A place in the source: line and column, both from 1. */
export interface Position {
  line: number;
  column: number;
}

/** More than anybody fixes in one go; a hostile source could hold a hundred thousand. */
const ISSUES_MAX = 50;

export class IssueList {
  readonly #issues: Array<ProblemIssue & Position> = [];
  readonly #told = new Set<string>();

  /** Says it once, however many checks find it. */
  add(at: Position, message: string): void {
    const key = `${at.line}:${at.column}:${message}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#issues.push({ path: "", message, line: at.line, column: at.column });
  }

  get empty(): boolean {
    return this.#issues.length === 0;
  }

  /** In the order of the source; a last entry says how many were left out. */
  list(): ProblemIssue[] {
    const sorted = this.#issues.toSorted((a, b) => a.line - b.line || a.column - b.column);
    const next = sorted[ISSUES_MAX];
    if (!next) return sorted;
    const more = `and ${sorted.length - ISSUES_MAX} more; fix the ones above first`;
    return [...sorted.slice(0, ISSUES_MAX), { ...next, message: more }];
  }
}
