import { expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { type Books, balance, type ExecutionAccount, isBalanced, lastLine } from "./ledger.ts";
import { printed, procedures, type Work } from "./work.ts";

const work: Work = { name: "one", source: "", lines: { a: 3 }, repeatable: [] };
const text = printed("exe_1", "a~0", 1, 45).replace(/\n.*$/s, "\n");
const whole = ["1", "2", "3"].map((line) => `exe_1 a~0 1 ${line}\n`).join("");

function execution(id: string, state: ExecutionAccount["state"]): ExecutionAccount {
  const outcome = { type: "exited", exitCode: 0 } as const;
  return { id, state, steps: [{ id: "a~0", kind: "command", state: "succeeded", attempt: 1, outcome }] };
}

const even: Books = {
  started: new Map([["exe_1", work]]),
  executions: [execution("exe_1", "succeeded")],
  runs: ["exe_1 a~0 1"],
  acknowledged: new Map([["exe_1 a~0 1", whole.length]]),
  stored: [{ execution: "exe_1", step: "a~0", attempt: 1, text: whole }],
};

const stored = (text: string) => [{ execution: "exe_1", step: "a~0", attempt: 1, text }];

test("accounts that are even say so in one line", () => {
  const ledger = balance(even);
  expect(ledger.findings).toEqual([]);
  expect(isBalanced(ledger)).toBe(true);
  expect(lastLine(ledger)).toBe(
    `started 1, finished 1, lost 0, duplicated 0, acknowledged ${whole.length} bytes, stored ${whole.length} bytes`,
  );
});

test.each<[string, Partial<Books>, string]>([
  ["an execution that is gone", { executions: [], stored: [] }, "is not there"],
  ["one that never ended", { executions: [execution("exe_1", "running")] }, "still running"],
  ["bytes that were acknowledged and are gone", { stored: stored(text) }, "were acknowledged"],
  [
    "bytes of somebody else",
    { stored: stored(whole.replace("exe_1 a~0 1 2", "exe_2 a~0 1 2")) },
    "not what was printed",
  ],
  ["an end that is missing", { stored: stored(text), acknowledged: new Map() }, "lines of 3 are stored"],
  ["a success that never ran", { runs: [] }, "never ran"],
  ["a start too many", { runs: ["exe_1 a~0 1", "exe_1 a~0 1"] }, "ran twice"],
  ["a second attempt of what may run once", { runs: ["exe_1 a~0 1", "exe_1 a~0 2"] }, "not idempotent"],
  [
    "an execution that nobody asked for",
    { executions: [execution("exe_1", "succeeded"), execution("exe_2", "failed")] },
    "never asked for",
  ],
])("finds %s", (_what, change, words) => {
  const ledger = balance({ ...even, ...change });
  expect(ledger.findings.join("\n")).toContain(words);
  expect(isBalanced(ledger)).toBe(false);
});

test("bytes that were stored without a word are uneven too", () => {
  expect(isBalanced(balance({ ...even, acknowledged: new Map() }))).toBe(false);
});

test("what is expected of a script is what it prints", () => {
  const sources = procedures(new Random(1), "/dev/null").map(({ source }) => source);
  expect(sources.join("")).toContain("$FARHAND_EXECUTION_ID $FARHAND_STEP $FARHAND_ATTEMPT %.0f");
  expect(printed("e", "s", 1, 12)).toBe("e s 1 1\ne s ");
});
