import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { ExecutionSummary } from "#protocol/api/executions.ts";
import { newId } from "#protocol/ids.ts";
import type { ExecutionState } from "#protocol/states.ts";
import { tenantDb } from "../../worker/db/tenant.ts";

const base: ExecutionSummary = {
  id: "",
  runbookId: newId("runbook"),
  versionNumber: 1,
  title: "x",
  state: "queued",
  trigger: { type: "user" },
  actor: { type: "system", name: "test" },
  createdAt: new Date().toISOString(),
};

const finishedAt = new Date().toISOString();

/** Projects these states in this order and returns the row that is left. */
async function project(...states: ExecutionState[]): Promise<ExecutionSummary | undefined> {
  const organizationId = newId("organization");
  const { executions } = tenantDb(env.DB, organizationId);
  const id = newId("execution");
  for (const state of states) {
    const ended = ["succeeded", "failed", "canceled", "timed_out"].includes(state);
    await executions.project({ ...base, id, state, ...(ended && { finishedAt, durationMs: 12.5 }) });
  }
  const rows = await executions.list({}, undefined, 10);
  expect(rows).toHaveLength(1);
  return rows[0];
}

describe("[G6] the index of executions", () => {
  test("has what was projected, whatever is repeated", async () => {
    expect(await project("queued", "queued")).toMatchObject({ state: "queued" });
    expect(await project("queued", "succeeded", "succeeded")).toMatchObject({
      state: "succeeded",
      finishedAt,
      durationMs: 12.5,
    });
  });

  test("has the end also where the beginning never arrived", async () => {
    expect(await project("failed")).toMatchObject({ state: "failed" });
  });

  test.each<[ExecutionState[], ExecutionState]>([
    [["succeeded", "queued"], "succeeded"],
    [["succeeded", "running"], "succeeded"],
    [["succeeded", "failed"], "succeeded"],
    [["canceled", "succeeded"], "canceled"],
    [["running", "queued"], "running"],
    [["waiting", "queued"], "waiting"],
    [["queued", "running", "timed_out", "queued", "running"], "timed_out"],
  ])("never goes back: %j leaves %s", async (states, left) => {
    expect((await project(...states))?.state).toBe(left);
  });

  test("of many writers at once, an end that is written stays", async () => {
    const organizationId = newId("organization");
    const { executions } = tenantDb(env.DB, organizationId);
    const id = newId("execution");
    const states: ExecutionState[] = ["queued", "running", "succeeded", "running", "queued"];
    await Promise.all(
      states.flatMap((state) => [1, 2, 3].map(() => executions.project({ ...base, id, state }))),
    );
    expect((await executions.list({}, undefined, 10)).map((row) => row.state)).toEqual(["succeeded"]);
  });

  test("[S3] two organizations with one id keep a row each", async () => {
    const id = newId("execution");
    const [one, two] = [newId("organization"), newId("organization")];
    await tenantDb(env.DB, one).executions.project({ ...base, id, state: "succeeded" });
    await tenantDb(env.DB, two).executions.project({ ...base, id, state: "queued" });
    expect((await tenantDb(env.DB, one).executions.list({}, undefined, 10))[0]?.state).toBe("succeeded");
    expect((await tenantDb(env.DB, two).executions.list({}, undefined, 10))[0]?.state).toBe("queued");
  });
});
