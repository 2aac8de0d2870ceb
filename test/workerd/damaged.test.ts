/** An execution whose log cannot be read: it ends, lets go of what it held, and takes nothing from others. */
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { z } from "zod";
import { executionSummarySchema } from "#protocol/api/executions.ts";
import type { LeaseRow } from "../../worker/pool/store.ts";
import { PoolStore } from "../../worker/pool/store.ts";
import { eventually } from "./eventually.ts";
import { call, dataOf, signUp } from "./harness.ts";
import {
  acceptOffer,
  command,
  connectAgent,
  coordinatorOf,
  newExecution,
  newPlace,
  type Place,
  poolOf,
} from "./scriptedAgent.ts";

const locksOf = (place: Place) => env.ORGANIZATION_LOCKS.getByName(place.organizationId);

const leaseAt = (place: Place, id: string): Promise<LeaseRow | undefined> =>
  runInDurableObject(poolOf(place), (_, { storage }) => new PoolStore(storage).lease(id));

/** An execution under a lock, with an agent, whose log is damaged where `where` says. */
async function damaged(place: Place, where: string, before = async () => {}) {
  const control = await connectAgent(place);
  const execution = await newExecution(place, [command("a")]);
  execution.plan.locks = [{ name: "disk" }];
  const stub = coordinatorOf(place, execution.executionId);
  await stub.create(execution);
  const { lease } = await acceptOffer(control);
  await eventually(async () => expect((await leaseAt(place, lease.id))?.status).toBe("accepted"));
  await before();
  await runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec(
      `UPDATE log SET body = '{"type":"' || hex(randomblob(4)) || '"}' WHERE step IS NULL AND ${where}`,
    );
  });
  await evictDurableObject(stub);
  return { stub, lease, execution };
}

it("[G5] one whose log cannot be read in one place ends as failed and lets go of locks and agents", async () => {
  const place = newPlace();
  const { stub, lease } = await damaged(place, "body LIKE '%step.dispatched%'");
  expect(await stub.read()).toMatchObject({
    state: "failed",
    detail: expect.stringMatching(/cannot be read at \d+/),
  });
  await eventually(async () => expect(await locksOf(place).listLocks()).toEqual([]));
  await eventually(async () => expect((await leaseAt(place, lease.id))?.status).not.toBe("accepted"));
  const page = await stub.events(0, 100);
  expect(page?.events.at(-1)?.event).toMatchObject({ type: "execution.finished", state: "failed" });
  await evictDurableObject(stub);
  expect(await stub.summary()).toMatchObject({ execution: { state: "failed" } });
});

it("[G5] one that cannot be loaded at all keeps no lock and no lease", async () => {
  const place = newPlace();
  const { lease, stub } = await damaged(place, "body LIKE '%execution.created%'");
  expect(await stub.read().then(() => "read", String)).toMatch(/does not begin with execution.created/);
  await runDurableObjectAlarm(locksOf(place));
  expect(await locksOf(place).listLocks()).toEqual([]);
  expect(
    await coordinatorOf(place, lease.executionId).offerTo(lease.id, lease.fence, {
      agentId: "a",
      agentName: "a",
      labels: {},
    }),
  ).toBeNull();
});

it("[G5] lists go on without it", async () => {
  const person = await signUp();
  const place = { ...newPlace(), organizationId: person.organizationId };
  const listed = () =>
    eventually(async () => {
      const answer = await call("/api/v1/executions", { key: person.key });
      const [only] = dataOf(answer, z.array(executionSummarySchema));
      expect(only?.title).toBe("Test");
    });
  const { stub } = await damaged(place, "body LIKE '%execution.created%'", listed);
  expect(await stub.summary().then(() => "read", String)).toMatch(/does not begin with execution.created/);
  await listed();
});
