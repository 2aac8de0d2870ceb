import { describe, expect, test } from "vitest";
import type { Version } from "#protocol/api/runbooks.ts";
import { digestOf } from "#protocol/digest.ts";
import { newId } from "#protocol/ids.ts";
import { planSchema } from "#protocol/plan.ts";
import type { RunbookDocument } from "#protocol/runbook/document.ts";
import { documentOf } from "#protocol/signatures/version.ts";
import { buildPlan, NO_SURROUNDINGS, type PlanInput } from "./plan.ts";

const HOUR = 3_600_000;

function versionOf(more: Partial<RunbookDocument> = {}): Version {
  return {
    id: newId("version"),
    runbookId: newId("runbook"),
    number: 3,
    contentHash: "c0ffee",
    createdBy: { type: "system", name: "test" },
    createdAt: "2026-01-01T00:00:00.000Z",
    source: "",
    document: {
      schema: 1,
      title: "Test",
      parameters: [{ name: "who", type: "string", default: "you" }],
      target: { labels: { role: "db" } },
      blocks: [
        { kind: "instruction", id: "read", markdown: "Look." },
        { kind: "command", id: "quick", interpreter: "sh", script: "true", timeoutMs: HOUR / 2 },
        { kind: "command", id: "slow", interpreter: "sh", script: "true" },
      ],
      ...more,
    },
  };
}

const inputOf = (more: Partial<PlanInput> = {}): PlanInput => ({
  organizationId: newId("organization"),
  version: versionOf(),
  signatures: [],
  parameters: {},
  poolName: "default",
  pool: { id: newId("pool"), name: "default" },
  surroundings: NO_SURROUNDINGS,
  nonce: "n",
  now: 1_000,
  ...more,
});

describe("a plan", () => {
  test("has everything resolved, and nothing that a schema would refuse", () => {
    const input = inputOf();
    const result = buildPlan(input);
    if (!result.ok) throw new Error(result.detail);
    expect(planSchema.parse(result.plan)).toEqual(result.plan);
    expect(result.plan).toMatchObject({
      versionNumber: 3,
      versionHash: "c0ffee",
      parameters: { who: "you" },
      target: { poolName: "default", labels: { role: "db" } },
    });
  });

  test("has no pool that only every object has", () => {
    const command = { kind: "command", id: "a", interpreter: "sh", script: "true" } as const;
    const version = versionOf({ blocks: [{ ...command, target: { pool: "constructor" } }] });
    expect(buildPlan(inputOf({ version }))).toMatchObject({ ok: false, code: "no_such_pool" });
  });

  test("is good for as long as its steps may take, and a day of waiting", () => {
    const result = buildPlan(inputOf());
    expect(result.ok && result.plan.expiresAt).toBe(1_000 + 24 * HOUR + 1.5 * HOUR);
  });

  test("is not made from parameters that do not fit, and says where", () => {
    const result = buildPlan(inputOf({ parameters: { who: 7, "a/b": 1 } }));
    expect(result).toMatchObject({ ok: false, code: "invalid_parameters" });
    expect(!result.ok && result.issues?.map((issue) => issue.path)).toEqual([
      "/parameters/a~1b",
      "/parameters/who",
    ]);
  });

  test("is not made for a pool that is not there", () => {
    const result = buildPlan(inputOf({ pool: null, poolName: "prod" }));
    expect(result).toMatchObject({
      ok: false,
      code: "no_such_pool",
      detail: expect.stringContaining('"prod"'),
    });
  });

  test("[G19] does not begin behind an approval", () => {
    const run = (id: string) => ({
      kind: "command" as const,
      id,
      interpreter: "sh" as const,
      script: "true",
    });
    const either = {
      kind: "condition" as const,
      id: "either",
      if: "true",
      then: [],
      else: [{ kind: "approval" as const, id: "ok" }],
    };
    const version = versionOf({ blocks: [run("a"), either, run("danger")] });
    const from = (id: string) => buildPlan(inputOf({ version, range: { from: id } }));
    expect(from("either").ok).toBe(true);
    expect(from("danger")).toMatchObject({
      ok: false,
      code: "invalid_parameters",
      detail: expect.stringContaining('"either"'),
    });
  });

  test("is not made over its size limit", () => {
    const blocks = Array.from({ length: 5 }, (_, i) => ({
      kind: "command" as const,
      id: `b${i}`,
      interpreter: "sh" as const,
      script: "#".repeat(250_000),
    }));
    const result = buildPlan(inputOf({ version: versionOf({ blocks }) }));
    expect(result).toMatchObject({ ok: false, code: "payload_too_large" });
  });
});

describe("[S6] a plan of a signed version", () => {
  test("holds all that the hash of the version is of, with the signatures", async () => {
    const document = { ...versionOf().document, description: "why", timeoutMs: HOUR, locks: [{ name: "x" }] };
    const version = { ...versionOf(), document, contentHash: await digestOf(document) };
    const result = buildPlan(inputOf({ version, signatures: ["a.b.c"], labels: { role: "web" } }));
    if (!result.ok) throw new Error(result.detail);
    // As an agent reads it.
    const plan = planSchema.parse(JSON.parse(JSON.stringify(result.plan)));
    expect(plan.signed?.signatures).toEqual(["a.b.c"]);
    expect(await digestOf(documentOf(plan))).toBe(version.contentHash);
  });

  test("is as before where nobody signed", () => {
    const result = buildPlan(inputOf());
    expect(result.ok && "signed" in result.plan).toBe(false);
  });
});
