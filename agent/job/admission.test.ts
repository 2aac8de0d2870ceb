import { expect, it } from "vitest";
import type { Plan } from "#protocol/plan.ts";
import { hostFacts } from "../policy/facts.ts";
import { DEFAULT_POLICY, type Policy } from "../policy/policy.ts";
import { SignatureGuard } from "../signatures/guard.ts";
import { NO_SIGNATURES } from "../signatures/requirement.ts";
import { admitStep, type StepQuestion } from "./admission.ts";
import { SpoolBudget } from "./spoolBudget.ts";

const MIB = 1024 * 1024;

const plan: Plan = {
  ...{ schema: 1, organizationId: "o", runbookId: "r", versionId: "v", versionNumber: 1, versionHash: "0" },
  ...{ title: "t", parameters: {}, target: { poolId: "p", poolName: "p", labels: {} } },
  blocks: [{ kind: "command", id: "work", interpreter: "sh", script: "true", outputLimitBytes: 100 * MIB }],
  ...{ nonce: "n", expiresAt: 1_000 },
};
const question: StepQuestion = {
  ...{ plan, step: "work", inputs: undefined, fence: 1, leaseFence: 1, stale: false, now: 1 },
  ...{ freeBytes: 1024 * MIB, spoolRoom: Number.POSITIVE_INFINITY },
  ...{ policy: DEFAULT_POLICY, host: hostFacts },
  ...{ executionId: "e", attempt: 1, approvals: [], memory: undefined },
  guard: new SignatureGuard(NO_SIGNATURES, { organizationId: "o", poolId: "p", labels: {} }),
};

it("[fault 23] refuses a step whose output would not fit, before anything of it is spawned", () => {
  const cap = 250 * MIB;
  const budget = new SpoolBudget();
  const [first, second] = [{}, {}];
  budget.hold(first, 100 * MIB);
  expect(admitStep({ ...question, spoolRoom: budget.roomOf(cap) })).toMatchObject({
    ok: true,
    outputLimit: 100 * MIB,
  });
  budget.hold(second, 100 * MIB);
  expect(admitStep({ ...question, spoolRoom: budget.roomOf(cap) })).toMatchObject({
    ok: false,
    code: "spool_full",
  });
  // It has ended and printed little: the rest is free again.
  budget.hold(first, 2 * MIB);
  expect(admitStep({ ...question, spoolRoom: budget.roomOf(cap) })).toMatchObject({ ok: true });
  budget.release(second);
  expect(budget.roomOf(cap)).toBe(248 * MIB);
});

function keeping(output: number): Policy {
  const limits = { ...DEFAULT_POLICY.rules.limits, output };
  return { ...DEFAULT_POLICY, rules: { ...DEFAULT_POLICY.rules, limits } };
}

it("sets aside no more than the host lets a step keep", () => {
  const answer = admitStep({ ...question, policy: keeping(10 * MIB), spoolRoom: 20 * MIB });
  expect(answer).toMatchObject({ ok: true, outputLimit: 10 * MIB });
});
