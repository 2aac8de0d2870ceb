/** Executions are deleted for good once they are older than their organization keeps them. */
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { executionSchema, executionSummarySchema } from "#protocol/api/executions.ts";
import { poolSchema } from "#protocol/api/pools.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { newId } from "#protocol/ids.ts";
import { REST_MS } from "../../worker/execution/archive/archiver.ts";
import { archivePrefix } from "../../worker/execution/archive/format.ts";
import { ExecutionStore } from "../../worker/execution/store.ts";
import { purgeExpired } from "../../worker/retention.ts";
import { call, dataOf, type Person, signUp } from "./harness.ts";
import { type Ending, obligingAgent } from "./obligingAgent.ts";
import { coordinatorOf, Line } from "./scriptedAgent.ts";

const DAY_MS = 24 * 60 * 60_000;

let person: Person;
let runbookId: string;
let ending: Ending;
beforeEach(async () => {
  person = await signUp();
  ending = { text: "done\n" };
  runbookId = dataOf(
    await api("POST", "/runbooks", { source: "# Work\n\n```bash {name=job}\ntrue\n```\n" }),
    runbookSchema,
  ).id;
  const [pool] = dataOf(await api("GET", "/pools"), z.array(poolSchema));
  const { organizationId } = person;
  await obligingAgent({ organizationId, poolId: pool?.id ?? "", agentId: newId("agent") }, () => ending);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const api = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  call(`/api/v1${path}`, { method, key: person.key, body, headers });
const keepFor = async (retentionDays: number | null) =>
  expect((await api("PUT", "/organization", { retentionDays })).status).toBe(200);
const soon = () => new Promise((resolve) => setTimeout(resolve, 100));
const stubOf = (id: string) => coordinatorOf({ ...person, poolId: "", agentId: "" }, id);
const statusOf = async (id: string) => (await api("GET", `/executions/${id}`)).status;

async function start(state: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await api("POST", `/runbooks/${runbookId}/executions`, {}, headers);
  const { id } = dataOf(answer, executionSummarySchema);
  const read = async () => dataOf(await api("GET", `/executions/${id}`), executionSchema).state;
  await expect.poll(read, { timeout: 5_000 }).toBe(state);
  return id;
}

/** One that has ended, is archived and has its row. */
async function ended(headers: Record<string, string> = {}): Promise<string> {
  const id = await start("succeeded", headers);
  const isArchived = () =>
    runInDurableObject(stubOf(id), (_, { storage }) => new ExecutionStore(storage).archive !== undefined);
  const archive = async () => {
    if (!(await isArchived())) await rest(id);
    return isArchived();
  };
  await expect.poll(archive, { timeout: 10_000 }).toBe(true);
  return id;
}

/** Lets time pass after its end: then it is archived. */
async function rest(id: string): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + REST_MS });
  await runDurableObjectAlarm(stubOf(id));
  vi.useRealTimers();
}

/** What is left of an execution, and where. */
async function traces(id: string) {
  const { objects } = await env.ARCHIVE.list({ prefix: archivePrefix(person.organizationId, id) });
  const row = await env.DB.prepare("SELECT COUNT(*) AS n FROM executions WHERE id = ?").bind(id).first("n");
  const [tables, keys] = await runInDurableObject(stubOf(id), (_, { storage }) => [
    storage.sql.exec("SELECT name FROM sqlite_master WHERE name IN ('execution', 'log')").toArray().length,
    [...storage.kv.list()].length,
  ]);
  return { objects: objects.length, row, tables, keys };
}

const NOTHING = { objects: 0, row: 0, tables: 0, keys: 0 };

describe("retention", () => {
  test("deletes archive, row and what the coordinator has of what ended too long ago; it is then gone", async () => {
    await keepFor(2);
    const id = await ended();
    await purgeExpired(env, Date.now() + 1.9 * DAY_MS);
    expect(await statusOf(id)).toBe(200);
    const { webSocket } = await stubOf(id).fetch("https://object/viewer", {
      headers: { upgrade: "websocket" },
    });
    if (!webSocket) throw new Error("no socket");
    const viewer = new Line(webSocket);
    expect(await purgeExpired(env, Date.now() + 2.1 * DAY_MS)).toBeGreaterThan(0);
    expect(await traces(id)).toEqual(NOTHING);
    await viewer.end();
    for (const path of ["", "/steps", "/result", "/events", "/output", "/steps/job/output"]) {
      expect([path, (await api("GET", `/executions/${id}${path}`)).status]).toEqual([path, 404]);
    }
    expect((await api("POST", `/executions/${id}/retry`, {})).status).toBe(404);
    expect((await api("GET", "/executions")).text).not.toContain(id);
  });

  test("also of what somebody deleted before", async () => {
    const id = await ended();
    expect((await api("DELETE", `/executions/${id}`)).status).toBe(200);
    await keepFor(1);
    await purgeExpired(env, Date.now() + 2 * DAY_MS);
    expect(await traces(id)).toEqual(NOTHING);
  });

  test("keeps everything where none was chosen, and what has not ended anywhere", async () => {
    const old = await ended();
    await purgeExpired(env, Date.now() + 10_000 * DAY_MS);
    expect(await statusOf(old)).toBe(200);
    await keepFor(1);
    ending = undefined;
    const running = await start("running");
    await purgeExpired(env, Date.now() + 20 * DAY_MS);
    expect([await statusOf(old), await statusOf(running)]).toEqual([404, 200]);
    await keepFor(null);
    await stubOf(running).purge(Date.now() + DAY_MS);
    expect(await statusOf(running)).toBe(200);
  });

  test("[G9] frees the Idempotency-Key: the same request begins anew, and is then no longer under the old row", async () => {
    await keepFor(1);
    const headers = { "idempotency-key": crypto.randomUUID() };
    const id = await ended(headers);
    await purgeExpired(env, Date.now() + 2 * DAY_MS);
    const again = await ended(headers);
    expect(again).toBe(id);
    expect(await traces(id)).toMatchObject({ row: 1, tables: 2 });
  });

  test("[G9] leaves what has begun anew under the same key alone, however often the old one is deleted", async () => {
    const headers = { "idempotency-key": crypto.randomUUID() };
    const id = await ended(headers);
    const bucket: R2Bucket = Object.getPrototypeOf(env.ARCHIVE);
    const { list } = bucket;
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const lists = vi.spyOn(bucket, "list").mockImplementation(async function (this: R2Bucket, ...args) {
      await gates[lists.mock.calls.length - 1]?.promise;
      return list.apply(this, args);
    });
    const purged = stubOf(id).purge(Date.now() + DAY_MS);
    await expect.poll(() => lists.mock.calls.length).toBe(1);
    await runDurableObjectAlarm(stubOf(id));
    // Would be on its way to delete it once more.
    await soon();
    gates[0].resolve();
    await purged;
    ending = undefined;
    expect(await start("running", headers)).toBe(id);
    gates[1].resolve();
    await soon();
    expect(await statusOf(id)).toBe(200);
  });

  test("hides at once what it cannot delete yet, and deletes it later", async () => {
    await keepFor(1);
    const id = await ended();
    vi.spyOn(ExecutionStore.prototype, "clear").mockImplementationOnce(async () => {
      throw new Error("no storage");
    });
    await purgeExpired(env, Date.now() + 2 * DAY_MS);
    expect(await statusOf(id)).toBe(404);
    // Its row is gone, so no sweep finds it any more: its own alarm does.
    expect(await traces(id)).toMatchObject({ objects: 0, row: 0, tables: 2 });
    await runDurableObjectAlarm(stubOf(id));
    await expect.poll(() => traces(id)).toEqual(NOTHING);
  });

  test("leaves nothing of an archive that is being written meanwhile", async () => {
    await keepFor(1);
    const bucket: R2Bucket = Object.getPrototypeOf(env.ARCHIVE);
    const { put } = bucket;
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const puts = vi.spyOn(bucket, "put").mockImplementation(async function (this: R2Bucket, ...args) {
      await gate;
      return put.apply(this, args);
    });
    const id = await start("succeeded");
    const written = async () => {
      await rest(id);
      return puts.mock.calls.length;
    };
    await expect.poll(written, { timeout: 5_000 }).toBe(1);
    const purged = stubOf(id).purge(Date.now() + DAY_MS);
    await soon();
    open();
    await purged;
    await Promise.all(puts.mock.results.map(({ value }) => value));
    expect(await traces(id)).toEqual(NOTHING);
  });

  /** Has what ended only in the archive, as long after its end. */
  async function archived(headers: Record<string, string> = {}): Promise<string> {
    const id = await ended(headers);
    await runInDurableObject(stubOf(id), (_, { storage }) => new ExecutionStore(storage).drop());
    await evictDurableObject(stubOf(id));
    return id;
  }

  test("[G9] brings nothing back that is being deleted: the same request begins anew", async () => {
    await keepFor(1);
    const headers = { "idempotency-key": "again" };
    const id = await archived(headers);
    vi.spyOn(ExecutionStore.prototype, "clear").mockImplementationOnce(async () => {
      throw new Error("no storage");
    });
    await purgeExpired(env, Date.now() + 2 * DAY_MS);
    expect(await traces(id)).toMatchObject({ objects: 0, row: 0, tables: 2 });
    const again = await api("POST", `/runbooks/${runbookId}/executions`, {}, headers);
    expect([again.status, dataOf(again, executionSummarySchema).id]).toEqual([201, id]);
  });

  test("is a 404 for who reads what is being brought back meanwhile", async () => {
    await keepFor(1);
    const id = await archived();
    const bucket: R2Bucket = Object.getPrototypeOf(env.ARCHIVE);
    const { get } = bucket;
    let isOpen = false;
    const gets = vi.spyOn(bucket, "get").mockImplementation(async function (this: R2Bucket, key: string) {
      while (!isOpen) await scheduler.wait(1);
      return get.call(this, key) as never;
    });
    const status = statusOf(id);
    await expect.poll(() => gets.mock.calls.length).toBe(1);
    const purged = stubOf(id).purge(Date.now() + DAY_MS);
    await soon();
    isOpen = true;
    await purged;
    expect(await status).toBe(404);
    expect(await traces(id)).toMatchObject({ objects: 0, row: 0, tables: 0 });
  });

  test("is told to whoever has a list open", async () => {
    await keepFor(1);
    const id = await ended();
    const publish = vi.fn();
    const feed = env.ORGANIZATION_FEED.getByName(person.organizationId);
    await runInDurableObject(
      feed,
      (object) => void vi.spyOn(object, "broadcast").mockImplementation(publish),
    );
    await purgeExpired(env, Date.now() + 2 * DAY_MS);
    await expect
      .poll(() => publish.mock.calls.flat())
      .toContain(JSON.stringify({ type: "execution.removed", executionId: id }));
  });
});
