import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./paths.ts";
import { failuresIn } from "./stages.ts";

test("says which tests failed, and which files did not load, a line each", () => {
  const passed = { fullName: "a lock holds", status: "passed", failureMessages: [] };
  const failed = {
    fullName: "a lock is given back",
    status: "failed",
    failureMessages: ["AssertionError: expected 1 to be 2\n    at lock.test.ts:3:1"],
  };
  expect(
    failuresIn({
      numPassedTests: 2,
      numFailedTests: 1,
      numFailedTestSuites: 2,
      testResults: [
        { name: join(ROOT, "agent/lock.test.ts"), message: "", assertionResults: [passed, failed] },
        { name: join(ROOT, "agent/log.test.ts"), message: "", assertionResults: [passed] },
        {
          name: join(ROOT, "agent/keys.test.ts"),
          message: "Cannot find module\nstack",
          assertionResults: [],
        },
      ],
    }),
  ).toEqual([
    "agent/lock.test.ts > a lock is given back: AssertionError: expected 1 to be 2",
    "agent/keys.test.ts: Cannot find module",
  ]);
});
