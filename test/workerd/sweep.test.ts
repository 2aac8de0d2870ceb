import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, it, vi } from "vitest";
import { newId } from "#protocol/ids.ts";
import { tenantDb } from "../../worker/db/tenant.ts";
import { sweep } from "../../worker/sweep.ts";
import { command, coordinatorOf, newExecution, newPlace } from "./scriptedAgent.ts";

afterEach(() => {
  vi.useRealTimers();
});

it("[G5] a sweep makes up for an alarm that was lost", async () => {
  const place = newPlace();
  const execution = await newExecution(place, [command("a")]);
  const stub = coordinatorOf(place, execution.executionId);
  const created = await stub.create(execution);
  if (created.outcome !== "created") throw new Error("unreachable");
  await tenantDb(env.DB, place.organizationId).executions.project(created.execution);
  await vi.waitFor(async () =>
    expect(await stub.read()).toMatchObject({ queue: { reason: "no_agent_connected" } }),
  );
  await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * 60 * 60_000 });
  expect(await sweep(env, Date.now())).toBeGreaterThan(0);
  await vi.waitFor(async () => expect(await stub.read()).toMatchObject({ state: "timed_out" }));
});

it("[G5] a sweep goes on past an execution that cannot be asked", async () => {
  const organizationId = newId("organization");
  const summary = {
    id: newId("execution"),
    runbookId: newId("runbook"),
    versionNumber: 1,
    title: "Nowhere",
    state: "running" as const,
    trigger: { type: "user" as const },
    actor: { type: "anonymous" as const },
    createdAt: new Date(Date.now() - 3_600_000).toISOString(),
  };
  await tenantDb(env.DB, organizationId).executions.project(summary);
  await expect(sweep(env, Date.now())).resolves.toBeGreaterThan(0);
});
