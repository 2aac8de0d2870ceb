import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import {
  type Books,
  balance,
  type ExecutionAccount,
  isBalanced,
  lastLine,
  outputProblem,
  type Started,
} from "./ledger.ts";
import { printed, procedures, type Work } from "./work.ts";

const only = { stdout: () => "", repeatable: false };
const work: Work = { name: "one", source: "", share: 1, blocks: { a: only } };
const started = (more: Partial<Work> = {}): Map<string, Started> =>
  new Map([["exe_1", { work: { ...work, ...more }, key: "k-1" }]]);

type Outcome = ExecutionAccount["steps"][number]["outcome"];

function execution(
  id: string,
  state: ExecutionAccount["state"],
  outcome: Outcome = { type: "exited", exitCode: 0 },
): ExecutionAccount {
  const step = state === "succeeded" ? "succeeded" : "failed";
  return { id, state, steps: [{ id: "a~0", kind: "command", state: step, attempt: 1, outcome }] };
}

const stored = { execution: "exe_1", step: "a~0", attempt: 1, stream: "stdout", bytes: 42 } as const;

const even: Books = {
  started: started(),
  executions: [execution("exe_1", "succeeded")],
  runs: ["exe_1 a~0 1"],
  requests: [],
  acknowledged: new Map([["exe_1 a~0 1 stdout", 42]]),
  stored: [stored],
};

test("accounts that are even say so in one line", () => {
  const ledger = balance(even);
  expect(ledger.findings).toEqual([]);
  expect(isBalanced(ledger)).toBe(true);
  expect(lastLine(ledger)).toBe(
    "started 1, finished 1, lost 0, duplicated 0, acknowledged 42 bytes, stored 42 bytes",
  );
});

const refusal = { code: "policy", words: "scripts.deny" };
const refusedBy = (detail: string) =>
  [execution("exe_1", "failed", { type: "refused", code: "policy", detail })] as const;

test.each<[string, Partial<Books>, string]>([
  ["an execution that is gone", { executions: [], stored: [] }, "is not there"],
  ["one that never ended", { executions: [execution("exe_1", "running")] }, "still running"],
  ["bytes that were acknowledged and are gone", { stored: [{ ...stored, bytes: 41 }] }, "were acknowledged"],
  ["what was read and is wrong", { stored: [{ ...stored, problem: "it holds a secret" }] }, "a secret"],
  ["a success that never ran", { runs: [] }, "never ran"],
  ["a start too many", { runs: ["exe_1 a~0 1", "exe_1 a~0 1"] }, "ran twice"],
  ["a second attempt of what may run once", { runs: ["exe_1 a~0 1", "exe_1 a~0 2"] }, "not idempotent"],
  ["a request that was sent twice", { requests: ["k-1", "k-1"] }, "ran twice"],
  [
    "an execution that nobody asked for",
    { executions: [execution("exe_1", "succeeded"), execution("exe_2", "failed")] },
    "never asked for",
  ],
  ["a rule in the way of what is allowed", { executions: refusedBy("policy.yaml:1 users: x") }, "is allowed"],
  ["something forbidden that ran", { started: started({ refusal }) }, "has run"],
  [
    "a refusal by another rule",
    { started: started({ refusal }), executions: refusedBy("users"), runs: [] },
    "users",
  ],
])("finds %s", (_what, change, words) => {
  const ledger = balance({ ...even, ...change });
  expect(ledger.findings.join("\n")).toContain(words);
  expect(isBalanced(ledger)).toBe(false);
});

test("a refusal that names its rule is as it should be", () => {
  const executions = refusedBy("policy.yaml:3 scripts.deny: it holds forbidden-word");
  const books = { ...even, executions, started: started({ refusal }), runs: [] };
  expect(isBalanced(balance(books))).toBe(true);
});

test("bytes that were stored without a word are uneven too", () => {
  expect(isBalanced(balance({ ...even, acknowledged: new Map() }))).toBe(false);
});

describe("output", () => {
  const whole = "one [secret:a]\ntwo\n";

  test.each<[text: string, isWhole: boolean]>([
    [whole, true],
    ["", false],
    ["one [secr", false],
    ["one [secret:a]\nt", false],
    // The beginning of a secret in which it broke off.
    ["one canar", false],
    ["nobody answered", false],
  ])("may be %j", (text, isWhole) => {
    expect(outputProblem(text, whole, "nobody answered", isWhole)).toBeUndefined();
  });

  test.each<[text: string, isWhole: boolean]>([
    ["one [secret:a]\n", true],
    [`${whole}three\n`, true],
    ["nobody answered", true],
    ["one canary", false],
    ["one [secret:a]\nTwo\n", false],
    [`${whole}three\n`, false],
  ])("may not be %j", (text, isWhole) => {
    expect(outputProblem(text, whole, "nobody answered", isWhole)).toBeDefined();
  });
});

test("what is expected of a script is what it prints", () => {
  const places = { notes: "/dev/null", url: "http://127.0.0.1:1/" };
  const sources = procedures(new Random(1), places).map(({ source }) => source);
  expect(sources.join("")).toContain("$FARHAND_EXECUTION_ID $FARHAND_STEP $FARHAND_ATTEMPT %.0f");
  const who = { execution: "e", step: "s", attempt: 1, key: "k" };
  expect(printed({ lines: 2, pause: 0 }, who)).toBe("e s 1 1\ne s 1 2\n");
});
