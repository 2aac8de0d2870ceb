/**
 * The accounts of a soak: what was asked for, what ran, what the control plane
 * said that it holds, and what it holds. Pure; anything that does not add up is
 * a finding in words.
 */
import type { Execution, Step } from "#protocol/api/executions.ts";
import { isExecutionTerminal } from "#protocol/states.ts";
import { printed, type Work } from "./work.ts";

/** Output of one attempt as it can be read back in the end. */
export interface StoredAttempt {
  execution: string;
  step: string;
  attempt: number;
  text: string;
}

type StepAccount = Pick<Step, "id" | "kind" | "state" | "attempt" | "outcome">;

/** What the accounts need of an execution. */
export type ExecutionAccount = Pick<Execution, "id" | "state"> & { steps: readonly StepAccount[] };

export interface Books {
  /** By id: the executions whose start was confirmed, and what they do. */
  started: ReadonlyMap<string, Work>;
  /** Every execution that the organization has, as it stands. */
  executions: readonly ExecutionAccount[];
  /** One line a start, as the scripts noted it: execution, step, attempt. */
  runs: readonly string[];
  /** Bytes of stdout that the control plane said it holds, by `attemptKey`. */
  acknowledged: ReadonlyMap<string, number>;
  stored: readonly StoredAttempt[];
}

export interface Ledger {
  started: number;
  finished: number;
  lost: number;
  duplicated: number;
  acknowledgedBytes: number;
  storedBytes: number;
  /** What does not add up, in words. */
  findings: string[];
}

/** The name of an attempt, as scripts note it too. */
export function attemptKey(execution: string, step: string, attempt: number): string {
  return `${execution} ${step} ${attempt}`;
}

export function balance(books: Books): Ledger {
  const lost = [...lostExecutions(books), ...lostOutput(books), ...inventedSteps(books)];
  const duplicated = [...repeatedRuns(books), ...inventedExecutions(books)];
  return {
    started: books.started.size,
    finished: books.executions.filter(({ state }) => isExecutionTerminal(state)).length,
    lost: lost.length,
    duplicated: duplicated.length,
    acknowledgedBytes: sum(books.acknowledged.values()),
    storedBytes: sum(books.stored.map(({ text }) => text.length)),
    findings: [...lost, ...duplicated],
  };
}

/** True when everything that was started has ended, once, with every byte. */
export function isBalanced(ledger: Ledger): boolean {
  return (
    ledger.lost === 0 &&
    ledger.duplicated === 0 &&
    ledger.started === ledger.finished &&
    ledger.acknowledgedBytes === ledger.storedBytes
  );
}

/** The last line of a soak. */
export function lastLine(ledger: Ledger): string {
  const { started, finished, lost, duplicated, acknowledgedBytes, storedBytes } = ledger;
  return `started ${started}, finished ${finished}, lost ${lost}, duplicated ${duplicated}, acknowledged ${acknowledgedBytes} bytes, stored ${storedBytes} bytes`;
}

function lostExecutions({ started, executions }: Books): string[] {
  const found = new Map(executions.map((execution) => [execution.id, execution]));
  return [...started.keys()].flatMap((id) => {
    const execution = found.get(id);
    if (!execution) return [`execution ${id} was started and is not there`];
    return isExecutionTerminal(execution.state) ? [] : [`execution ${id} is still ${execution.state}`];
  });
}

/** Output that was promised and is not there, is not what was printed, or is not all of it. */
function lostOutput({ started, executions, acknowledged, stored }: Books): string[] {
  const steps = new Map(
    executions.flatMap((each) => each.steps.map((step) => [`${each.id} ${step.id}`, step] as const)),
  );
  return stored.flatMap(({ execution, step, attempt, text }) => {
    const key = attemptKey(execution, step, attempt);
    const promised = acknowledged.get(key) ?? 0;
    if (promised > text.length) return [`${key}: ${promised} bytes were acknowledged, ${text.length} stored`];
    if (text !== printed(execution, step, attempt, text.length)) {
      return [`${key}: what is stored is not what was printed`];
    }
    const lines = text.split("\n").length - 1;
    const expected = started.get(execution)?.lines[blockOf(step)];
    const state = steps.get(`${execution} ${step}`);
    return isWhole(state, attempt) && lines !== expected
      ? [`${key}: ${lines} lines of ${expected} are stored`]
      : [];
  });
}

/** The attempt ended by itself, so all of its output has to be there. */
function isWhole(step: StepAccount | undefined, attempt: number): boolean {
  return step?.attempt === attempt && step.outcome?.type === "exited";
}

/** Steps that are said to have succeeded, of which no script knows. */
function inventedSteps({ executions, runs }: Books): string[] {
  const ran = new Set(runs);
  return executions.flatMap(({ id, steps }) =>
    steps
      .filter((step) => step.kind === "command" && step.state === "succeeded")
      .map((step) => attemptKey(id, step.id, step.attempt))
      .filter((key) => !ran.has(key))
      .map((key) => `${key} is said to have succeeded and never ran`),
  );
}

function repeatedRuns({ started, runs }: Books): string[] {
  const seen = new Set<string>();
  return runs.flatMap((run) => {
    if (seen.has(run)) return [`${run} ran twice`];
    seen.add(run);
    const [execution = "", step = "", attempt] = run.split(" ");
    const mayRepeat = started.get(execution)?.repeatable.includes(blockOf(step));
    return attempt === "1" || mayRepeat ? [] : [`${run} ran again, and is not idempotent`];
  });
}

/** The name of the block that a step is of: without the lists around it, and without which of its targets. */
function blockOf(step: string): string {
  return step.split("/").at(-1)?.split("~")[0] ?? "";
}

function inventedExecutions({ started, executions }: Books): string[] {
  return executions
    .filter(({ id }) => !started.has(id))
    .map(({ id }) => `execution ${id} was never asked for`);
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
