import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, it, vi } from "vitest";
import { newId } from "#protocol/ids.ts";
import { tenantDb } from "../../worker/db/tenant.ts";
import type { CreateExecution } from "../../worker/execution/contract.ts";
import { ExecutionCoordinator } from "../../worker/execution/ExecutionCoordinator.ts";
import { sweep } from "../../worker/sweep.ts";
import { eventually } from "./eventually.ts";
import { command, coordinatorOf, newExecution, newPlace, type Place } from "./scriptedAgent.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const ACTOR = { type: "system", name: "test" } as const;

/** An execution whose only step is another one, in which a person is waited for. */
async function newParent(place: Place): Promise<CreateExecution> {
  const execution = await newExecution(place, [{ kind: "runbook", id: "other", runbook: "Other" }]);
  const { target, versionHash, versionNumber } = execution.plan;
  const versionId = newId("version");
  const runbookId = newId("runbook");
  execution.plan.children = { other: versionId };
  execution.plan.runbooks = {
    [versionId]: {
      ...{ runbookId, versionId, versionNumber, versionHash, target, title: "Other", definitions: [] },
      blocks: [{ kind: "instruction", id: "look", markdown: "Look", acknowledge: true }],
    },
  };
  return execution;
}

/** An execution of the index that is at no coordinator. */
function openSince(id: string) {
  return {
    id,
    runbookId: newId("runbook"),
    versionNumber: 1,
    title: "Nowhere",
    state: "running" as const,
    trigger: { type: "user" as const },
    actor: { type: "anonymous" as const },
    createdAt: new Date(Date.now() - 3_600_000).toISOString(),
  };
}

/** Starts it, and resolves with its coordinator and the id of the child. */
async function startParent(place: Place) {
  const execution = await newParent(place);
  const stub = coordinatorOf(place, execution.executionId);
  await stub.create(execution);
  const started = await eventually(async () => (await stub.read())?.steps[0]?.executionId);
  if (!started) throw new Error("no child");
  return { stub, child: coordinatorOf(place, started), childId: started };
}

it("[G5] a child execution whose parent was canceled by force ends also when that word was lost", async () => {
  const { stub, child } = await startParent(newPlace());
  await eventually(async () => expect(await child.read()).toMatchObject({ state: "waiting" }));
  await child.sweep();
  expect(await child.read()).toMatchObject({ state: "waiting" });
  vi.spyOn(ExecutionCoordinator.prototype, "cancelChild").mockRejectedValueOnce(new Error("lost"));
  await stub.ask({ type: "cancel", actor: ACTOR, reason: "", force: true });
  expect(await stub.read()).toMatchObject({ state: "canceled" });
  await child.sweep();
  await eventually(async () => expect(await child.read()).toMatchObject({ state: "canceled" }));
});

it("[CX1] a child execution whose cancel came before its start never starts", async () => {
  const starts: CreateExecution[] = [];
  const own = ExecutionCoordinator.prototype.create;
  vi.spyOn(ExecutionCoordinator.prototype, "create").mockImplementation(async function (
    this: ExecutionCoordinator,
    record,
  ) {
    if (!record.parent) return own.call(this, record);
    starts.push(record);
    throw new Error("it is on its way for a long time");
  });
  const place = newPlace();
  const { stub, child } = await startParent(place);
  await eventually(() => expect(starts).toHaveLength(1));
  await stub.ask({ type: "cancel", actor: ACTOR, reason: "", force: false });
  await eventually(async () => expect(await stub.read()).toMatchObject({ state: "canceled" }));
  vi.restoreAllMocks();
  const [late] = starts;
  if (!late) throw new Error("unreachable");
  expect(await child.create(late)).toEqual({ outcome: "conflict" });
  expect(await child.read()).toBeNull();
});

it("[G5] a child execution that no plan can be made of fails its step, with words", async () => {
  const place = newPlace();
  const execution = await newParent(place);
  const [child] = Object.values(execution.plan.runbooks ?? {});
  if (child) child.title = "\ud83d";
  const stub = coordinatorOf(place, execution.executionId);
  await stub.create(execution);
  await eventually(async () => expect(await stub.read()).toMatchObject({ state: "failed" }));
  expect((await stub.read())?.steps[0]?.detail).toContain("no plan can be made of it");
});

it("[G5] a sweep makes up for an alarm that was lost", async () => {
  const place = newPlace();
  const execution = await newExecution(place, [command("a")]);
  const stub = coordinatorOf(place, execution.executionId);
  const created = await stub.create(execution);
  if (created.outcome !== "created") throw new Error("unreachable");
  await tenantDb(env.DB, place.organizationId).executions.project(created.execution);
  await eventually(async () =>
    expect(await stub.read()).toMatchObject({ queue: { reason: "no_agent_connected" } }),
  );
  await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * 60 * 60_000 });
  expect(await sweep(env, Date.now())).toBeGreaterThan(0);
  await eventually(async () => expect(await stub.read()).toMatchObject({ state: "timed_out" }));
});

it("[G5] what one sweep does not come to, the next ones do, and then it begins anew", async () => {
  const place = newPlace();
  const ids = [newId("execution"), newId("execution"), newId("execution")];
  for (const id of ids) await tenantDb(env.DB, place.organizationId).executions.project(openSince(id));
  const asked: string[] = [];
  vi.spyOn(ExecutionCoordinator.prototype, "sweep").mockImplementation(async function (
    this: ExecutionCoordinator,
  ) {
    asked.push(this.name.split("/")[1] ?? "");
  });
  // Others of this file may be open, too.
  const open = await sweep(env, Date.now());
  const all = [...asked];
  expect(all).toEqual(expect.arrayContaining(ids));
  asked.length = 0;
  for (let n = 0; n < open; n++) expect(await sweep(env, Date.now(), 1)).toBe(1);
  expect(asked.toSorted()).toEqual(all.toSorted());
  // Behind the last one there is nothing; the one after that begins anew.
  expect([await sweep(env, Date.now(), 1), await sweep(env, Date.now())]).toEqual([0, open]);
});

it("[G5] a sweep goes on past an execution that cannot be asked", async () => {
  const organizationId = newId("organization");
  await tenantDb(env.DB, organizationId).executions.project(openSince(newId("execution")));
  await expect(sweep(env, Date.now())).resolves.toBeGreaterThan(0);
});
