/** What an organization settles for all of its executions: how many run at once. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { executionSchema, executionSummarySchema } from "#protocol/api/executions.ts";
import { organizationSchema } from "#protocol/api/organization.ts";
import { poolSchema } from "#protocol/api/pools.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { problemSchema } from "#protocol/errors.ts";
import { newId } from "#protocol/ids.ts";
import { ExecutionCoordinator } from "../../worker/execution/ExecutionCoordinator.ts";
import { eventually } from "./eventually.ts";
import { call, dataOf, makeKey, type Person, signUp } from "./harness.ts";
import { type Ending, obligingAgent } from "./obligingAgent.ts";

const WORK = "# Work\n\n```bash {name=work}\ntrue\n```\n";
const PARENT = "# Parent\n\n```farhand\nkind: runbook\nname: inner\nrunbook: Work\n```\n";

let person: Person;
let ending: Ending;
beforeEach(async () => {
  person = await signUp();
  ending = undefined;
});

const api = (method: string, path: string, body?: unknown) =>
  call(`/api/v1${path}`, { method, key: person.key, body });
const settle = async (change: unknown) =>
  dataOf(await api("PUT", "/organization", change), organizationSchema);
const create = async (source: string) => dataOf(await api("POST", "/runbooks", { source }), runbookSchema).id;
const start = async (runbookId: string) =>
  dataOf(await api("POST", `/runbooks/${runbookId}/executions`, {}), executionSummarySchema).id;
const read = async (id: string) => dataOf(await api("GET", `/executions/${id}`), executionSchema);
const locks = () => env.ORGANIZATION_LOCKS.getByName(person.organizationId);
const reaches = (id: string, state: string) =>
  eventually(async () => expect((await read(id)).state).toBe(state));

/** How many executions have a place or wait for one. */
const counted = () =>
  runInDurableObject(locks(), (_, { storage }) =>
    Number(storage.sql.exec("SELECT COUNT(*) AS n FROM requests").one().n),
  );

async function connect() {
  const [pool] = dataOf(await api("GET", "/pools"), z.array(poolSchema));
  const { organizationId } = person;
  await obligingAgent({ organizationId, poolId: pool?.id ?? "", agentId: newId("agent") }, () => ending);
}

const cancel = (id: string) => api("POST", `/executions/${id}/cancel`, { force: true });

describe("a limit on executions at once", () => {
  test("queues what is over it, with place and reason, and lets the next one begin when one ends", async () => {
    await connect();
    expect(await settle({ maxExecutions: 1 })).toMatchObject({ maxExecutions: 1 });
    const runbookId = await create(WORK);
    const [first, second, third] = [await start(runbookId), await start(runbookId), await start(runbookId)];
    await reaches(first, "running");
    const place = { state: "queued", queue: { ahead: 1, reason: "organization_full" }, steps: [] };
    await eventually(async () => expect(await read(third)).toMatchObject(place));
    expect((await read(second)).queue).toEqual({ ahead: 0, reason: "organization_full" });
    expect((await read(second)).locks).toBeUndefined();
    expect((await cancel(first)).status).toBe(200);
    await reaches(second, "running");
    expect((await read(third)).state).toBe("queued");
  });

  test("takes hold at once when it is raised or taken away", async () => {
    await connect();
    await settle({ maxExecutions: 1 });
    const runbookId = await create(WORK);
    const ids = [await start(runbookId), await start(runbookId), await start(runbookId)];
    await eventually(async () => expect(await counted()).toBe(3));
    await settle({ maxExecutions: 2 });
    await reaches(ids[1] ?? "", "running");
    expect((await read(ids[2] ?? "")).state).toBe("queued");
    expect(await settle({ maxExecutions: null })).not.toHaveProperty("maxExecutions");
    await reaches(ids[2] ?? "", "running");
  });

  test("counts an execution with those that it starts as one, so that none waits for itself", async () => {
    await connect();
    ending = {};
    await settle({ maxExecutions: 1 });
    await create(WORK);
    const id = await start(await create(PARENT));
    await reaches(id, "succeeded");
  });

  test("counts a retry", async () => {
    await connect();
    ending = {};
    const runbookId = await create(WORK);
    const done = await start(runbookId);
    await reaches(done, "succeeded");
    await settle({ maxExecutions: 1 });
    ending = undefined;
    const first = await start(runbookId);
    await reaches(first, "running");
    const again = dataOf(
      await api("POST", `/executions/${done}/retry`, { mode: "all" }),
      executionSummarySchema,
    );
    await eventually(async () =>
      expect((await read(again.id)).queue).toEqual({ ahead: 0, reason: "organization_full" }),
    );
  });

  test("finds a place again whose execution ended without a word", async () => {
    await settle({ maxExecutions: 1 });
    const gone = { executionId: newId("execution"), step: "", title: "Gone", locks: [], slot: true };
    await locks().acquireLocks(gone);
    await connect();
    const id = await start(await create(WORK));
    await eventually(async () => expect((await read(id)).queue?.reason).toBe("organization_full"));
    await runDurableObjectAlarm(locks());
    await reaches(id, "running");
  });

  test("[G11] tells of a place again when the word of it was lost", async () => {
    await connect();
    await settle({ maxExecutions: 1 });
    const runbookId = await create(WORK);
    const [first, second] = [await start(runbookId), await start(runbookId)];
    await eventually(async () => expect((await read(second)).queue?.reason).toBe("organization_full"));
    const lost = vi.spyOn(ExecutionCoordinator.prototype, "locksStand").mockResolvedValueOnce(true);
    await cancel(first);
    await eventually(() => expect(lost).toHaveBeenCalled());
    expect((await read(second)).state).toBe("queued");
    await runDurableObjectAlarm(locks());
    await reaches(second, "running");
  });

  test("costs nothing where there is none", async () => {
    await connect();
    await reaches(await start(await create(WORK)), "running");
    expect(await counted()).toBe(0);
  });
});

describe("the settings of an organization", () => {
  test("are for whoever may manage it; what is not named stays", async () => {
    await settle({ maxExecutions: 5 });
    expect(await settle({ retentionDays: 30 })).toMatchObject({ maxExecutions: 5, retentionDays: 30 });
    const key = await makeKey(person, ["executions:write", "agents:write"]);
    const refused = await call("/api/v1/organization", { method: "PUT", key, body: { maxExecutions: 9 } });
    expect(refused.status).toBe(403);
    const seen = dataOf(await call("/api/v1/organization", { key }), organizationSchema);
    expect(seen).toEqual({
      id: person.organizationId,
      name: expect.any(String),
      maxExecutions: 5,
      retentionDays: 30,
    });
  });

  test.each([{}, { maxExecutions: 0 }, { maxExecutions: 1.5 }, { retentionDays: -1 }, { days: 3 }])(
    "refuse %j with words",
    async (change) => {
      const answer = await api("PUT", "/organization", change);
      expect(answer.status).toBe(400);
      expect(problemSchema.parse(answer.json).issues?.length).toBeGreaterThan(0);
    },
  );
});
