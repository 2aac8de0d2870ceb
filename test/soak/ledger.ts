/**
 * The accounts of a soak: what was asked for, what ran, what the control plane
 * said that it holds, and what it holds. Pure; anything that does not add up is
 * a finding in words.
 */
import type { Execution, Step } from "#protocol/api/executions.ts";
import type { Stream } from "#protocol/chunk.ts";
import { SECRET_MIN_BYTES } from "#protocol/secrets.ts";
import { isExecutionTerminal } from "#protocol/states.ts";
import type { Expected, Work } from "./work.ts";

/** An execution whose start was confirmed. */
export interface Started {
  work: Work;
  /** Under which it was asked for. */
  key: string;
}

/** One stream of one attempt, as it was read back in the end. */
export interface StoredStream {
  execution: string;
  step: string;
  attempt: number;
  stream: Stream;
  bytes: number;
  /** What is wrong with it. */
  problem?: string;
}

type StepAccount = Pick<Step, "id" | "kind" | "state" | "attempt" | "outcome">;

/** What the accounts need of an execution. */
export type ExecutionAccount = Pick<Execution, "id" | "state"> & { steps: readonly StepAccount[] };

export interface Books {
  /** By id. */
  started: ReadonlyMap<string, Started>;
  /** Every execution that the organization has, as it stands. */
  executions: readonly ExecutionAccount[];
  /** One line a start, as the scripts noted it: execution, step, attempt. */
  runs: readonly string[];
  /** The keys of executions, once for each request that came. */
  requests: readonly string[];
  /** Bytes that the control plane said it holds, by `streamKey`. */
  acknowledged: ReadonlyMap<string, number>;
  stored: readonly StoredStream[];
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

export function streamKey(execution: string, step: string, attempt: number, stream: Stream): string {
  return `${attemptKey(execution, step, attempt)} ${stream}`;
}

/** @param others what else was found, that no number tells */
export function balance(books: Books, others: readonly string[] = []): Ledger {
  const runs = [...books.runs, ...requestedRuns(books)];
  const lost = [...lostExecutions(books), ...lostOutput(books), ...inventedSteps(books, runs)];
  const duplicated = [...repeatedRuns(books, runs), ...inventedExecutions(books)];
  return {
    started: books.started.size,
    finished: books.executions.filter(({ state }) => isExecutionTerminal(state)).length,
    lost: lost.length,
    duplicated: duplicated.length,
    acknowledgedBytes: sum(books.acknowledged.values()),
    storedBytes: sum(books.stored.map(({ bytes }) => bytes)),
    findings: [...lost, ...duplicated, ...brokenRules(books), ...others],
  };
}

/** True when everything that was started has ended, once, with every byte, and as the hosts' rules have it. */
export function isBalanced(ledger: Ledger): boolean {
  return (
    ledger.findings.length === 0 &&
    ledger.started === ledger.finished &&
    ledger.acknowledgedBytes === ledger.storedBytes
  );
}

/** The last line of a soak. */
export function lastLine(ledger: Ledger): string {
  const { started, finished, lost, duplicated, acknowledgedBytes, storedBytes } = ledger;
  return `started ${started}, finished ${finished}, lost ${lost}, duplicated ${duplicated}, acknowledged ${acknowledgedBytes} bytes, stored ${storedBytes} bytes`;
}

/**
 * What is wrong with the stdout of an attempt, in words.
 * @param isWhole it ended by itself, so all of its output has to be there
 */
export function outputProblem(text: string, whole: string, unheard: string | undefined, isWhole: boolean) {
  let same = 0;
  while (same < text.length && text[same] === whole[same]) same += 1;
  const rest = text.slice(same);
  if (isWhole) {
    if (rest === "" && same === whole.length) return undefined;
    return `${same} of ${whole.length} bytes are as they were printed, then comes ${JSON.stringify(rest.slice(0, 80))}`;
  }
  if (rest === "" || text === unheard) return undefined;
  // Of a secret in which it broke off, too few bytes to know it by may have been let go.
  if (rest.length < SECRET_MIN_BYTES && whole.startsWith("[secret:", same)) return undefined;
  return `it is not what was printed: after ${same} bytes comes ${JSON.stringify(rest.slice(0, 80))}`;
}

/** What was expected of a block, by the id of its step: without the lists around it, and without which of its targets. */
export function expectedOf({ work }: Started, step: string): Expected | undefined {
  return work.blocks[step.split("/").at(-1)?.split("~")[0] ?? ""];
}

/** Requests do not know their execution; only its key. They are sent in first attempts alone. */
function requestedRuns({ started, requests }: Books): string[] {
  const names = new Map(
    [...started].map(([id, { key, work }]) => [key, attemptKey(id, Object.keys(work.blocks)[0] ?? "", 1)]),
  );
  return requests.map((key) => names.get(key) ?? `${key} unknown 1`);
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
function lostOutput({ acknowledged, stored }: Books): string[] {
  return stored.flatMap(({ execution, step, attempt, stream, bytes, problem }) => {
    const key = streamKey(execution, step, attempt, stream);
    const promised = acknowledged.get(key) ?? 0;
    if (promised > bytes) return [`${key}: ${promised} bytes were acknowledged, ${bytes} stored`];
    return problem === undefined ? [] : [`${key}: ${problem}`];
  });
}

/** Steps that are said to have succeeded, and that never ran. */
function inventedSteps({ executions }: Books, runs: readonly string[]): string[] {
  const ran = new Set(runs);
  return executions.flatMap(({ id, steps }) =>
    steps
      .filter(({ kind, state }) => isForAgents(kind) && state === "succeeded")
      .map((step) => attemptKey(id, step.id, step.attempt))
      .filter((key) => !ran.has(key))
      .map((key) => `${key} is said to have succeeded and never ran`),
  );
}

function repeatedRuns({ started }: Books, runs: readonly string[]): string[] {
  const seen = new Set<string>();
  return runs.flatMap((run) => {
    if (seen.has(run)) return [`${run} ran twice`];
    seen.add(run);
    const [execution = "", step = "", attempt] = run.split(" ");
    const start = started.get(execution);
    const mayRepeat = start && expectedOf(start, step)?.repeatable;
    return attempt === "1" || mayRepeat ? [] : [`${run} ran again, and is not idempotent`];
  });
}

function inventedExecutions({ started, executions }: Books): string[] {
  return executions
    .filter(({ id }) => !started.has(id))
    .map(({ id }) => `execution ${id} was never asked for`);
}

/** What hosts refuse has not run and names the rule; nothing else was refused by a rule. */
function brokenRules({ started, executions, runs, requests }: Books): string[] {
  const ran = new Set([...runs.map((run) => run.split(" ")[0]), ...requests]);
  return executions.flatMap(({ id, state, steps }) => {
    const start = started.get(id);
    if (!start) return [];
    const { refusal } = start.work;
    const refused = steps.flatMap(({ outcome }) => (outcome?.type === "refused" ? [outcome] : []));
    const ofRules = refused.filter(({ code }) => code === "policy" || code.startsWith("signature"));
    if (!refusal)
      return ofRules.map(({ detail }) => `execution ${id} was refused what is allowed: ${detail}`);
    const about = `execution ${id}, which "${refusal.words}" forbids,`;
    if (ran.has(id) || ran.has(start.key)) return [`${about} has run`];
    const isNamed = ofRules.some(
      ({ code, detail }) => code === refusal.code && detail.includes(refusal.words),
    );
    if (state === "canceled" || (state === "failed" && isNamed)) return [];
    const details = refused.map(({ code, detail }) => `${code}: ${detail}`).join(", ");
    return [
      `${about} ended as ${state} (${details || steps.map(({ outcome }) => outcome?.type).join(", ")})`,
    ];
  });
}

export function isForAgents(kind: string): boolean {
  return kind === "command" || kind === "api";
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
