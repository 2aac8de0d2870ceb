import { expect, it } from "vitest";
import { newId } from "./ids.ts";
import { planSchema } from "./plan.ts";

const plan = (name: string, expiresAt = 1) => ({
  ...{ schema: 1, organizationId: newId("organization"), runbookId: newId("runbook") },
  ...{ versionId: newId("version"), versionNumber: 1, versionHash: "", title: "A test" },
  target: { poolId: newId("pool"), poolName: "test", labels: {} },
  ...{ blocks: [], parameters: { [name]: "1" }, nonce: "1", expiresAt },
});

it("a plan that expires when no calendar goes is no plan", () => {
  for (const instant of [-1, 8.64e15 + 1, -1e300]) {
    expect(planSchema.safeParse(plan("a", instant)).success, `${instant}`).toBe(false);
  }
});

it("[S13] a plan with a parameter that no runbook could define is no plan", () => {
  expect(planSchema.safeParse(plan("Version_2")).success).toBe(true);
  for (const name of ["a;$FARHAND_PARAM_B;C", "a=b", "a b", "a\nb", "1a", ""]) {
    expect(planSchema.safeParse(plan(name)).success, name).toBe(false);
  }
});
