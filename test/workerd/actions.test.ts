/** What people do to an execution, each over the API: with which answer, when it is possible and when it is not. */
import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import {
  type Execution,
  executionSchema,
  executionStateNowSchema,
  executionSummarySchema,
  stepSchema,
} from "#protocol/api/executions.ts";
import { poolSchema } from "#protocol/api/pools.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { problemSchema } from "#protocol/errors.ts";
import { newId } from "#protocol/ids.ts";
import { KEEP_MS, REST_MS } from "../../worker/execution/archive/archiver.ts";
import { archivePrefix } from "../../worker/execution/archive/format.ts";
import { eventually } from "./eventually.ts";
import { type Answer, call, dataOf, ORIGIN, type Person, request, signUp } from "./harness.ts";
import { type Ending, type ObligingAgent, obligingAgent } from "./obligingAgent.ts";
import { Attempt, acceptOffer, connectAgent, coordinatorOf, openData, type Place } from "./scriptedAgent.ts";

type Credential = { key: string } | { cookie: string };

let person: Person;
let place: Place;
let agent: ObligingAgent;
let endings: Record<string, Ending> = {};

beforeAll(async () => {
  person = await signUp();
  const [pool] = dataOf(await api("GET", "/pools"), z.array(poolSchema));
  place = { organizationId: person.organizationId, poolId: pool?.id ?? "", agentId: "" };
  await connect();
});
afterEach(() => {
  vi.useRealTimers();
  endings = {};
});

async function connect(): Promise<void> {
  place = { ...place, agentId: newId("agent") };
  agent = await obligingAgent(place, (step) => (step in endings ? endings[step] : {}));
}

const api = (method: string, path: string, body?: unknown, as: Credential = { key: person.key }) =>
  call(`/api/v1${path}`, { method, ...as, body, headers: { origin: ORIGIN } });
const problemOf = (answer: Answer) => problemSchema.parse(answer.json);
const command = (name: string) => `\`\`\`bash {name=${name}}\ntrue\n\`\`\`\n\n`;
const block = (yaml: string) => `\`\`\`farhand\n${yaml}\n\`\`\`\n\n`;
let runbooks = 0;

async function create(...blocks: string[]): Promise<string> {
  const front = "parameters:\n  - name: host\n    type: string\n    default: a\n";
  const source = `---\ntitle: Runbook ${++runbooks}\n${front}---\n\n${blocks.join("")}`;
  return dataOf(await api("POST", "/runbooks", { source }), runbookSchema).id;
}

const start = async (runbookId: string, body: unknown = {}, as?: Credential) =>
  dataOf(await api("POST", `/runbooks/${runbookId}/executions`, body, as), executionSummarySchema).id;
const read = async (id: string) => dataOf(await api("GET", `/executions/${id}`), executionSchema);
const step = async (id: string, name: string) =>
  dataOf(await api("GET", `/executions/${id}/steps/${name}`), stepSchema);
const act = (id: string, verb: string, body?: unknown, as?: Credential) =>
  api("POST", `/executions/${id}/${verb}`, body, as);

/** Runs these blocks up to this state. */
async function run(state: Execution["state"], ...blocks: string[]): Promise<string> {
  const id = await start(await create(...blocks));
  await reaches(id, state);
  return id;
}

const reaches = (id: string, state: Execution["state"]) =>
  eventually(async () => expect((await read(id)).state).toBe(state));

async function accepted(answer: Promise<Answer>) {
  const got = await answer;
  expect([got.status, got.text]).toEqual([200, expect.any(String)]);
  return dataOf(got, executionStateNowSchema);
}

/** Somebody else in the same organization. */
async function colleague(role = "member"): Promise<Person> {
  const other = await signUp("Bob");
  await env.DB.prepare(
    "INSERT INTO members (id, organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?, ?)",
  )
    .bind(crypto.randomUUID(), person.organizationId, other.userId, role, Date.now())
    .run();
  await env.DB.prepare("UPDATE sessions SET active_organization_id = ? WHERE user_id = ?")
    .bind(person.organizationId, other.userId)
    .run();
  return other;
}

describe("executing", () => {
  test("with parameters, a range and a target of its own", async () => {
    agent.ran.length = 0;
    const runbookId = await create(command("a"), command("b"), command("c"));
    const body = { parameters: { host: "db-1" }, range: { from: "b", to: "b" } };
    const id = await start(runbookId, body);
    await reaches(id, "succeeded");
    expect(agent.ran).toEqual(["b"]);
    const { plan, steps } = await read(id);
    expect(plan).toMatchObject({ parameters: { host: "db-1" }, range: body.range });
    expect(steps.map(({ state }) => state)).toEqual(["skipped", "succeeded", "skipped"]);

    const other = dataOf(await api("POST", "/pools", { name: "elsewhere" }), poolSchema);
    const far = await start(runbookId, { pool: "elsewhere", labels: { zone: "b" } });
    const queue = { reason: "no_agent_connected", poolName: "elsewhere", ahead: 0 };
    await eventually(async () => expect((await read(far)).queue).toEqual(queue));
    expect((await step(far, "a")).queue).toEqual(queue);
    const target = { poolId: other.id, poolName: "elsewhere", labels: { zone: "b" } };
    expect((await read(far)).plan.target).toEqual(target);
    await act(far, "cancel", {});
  });
});

describe("pausing", () => {
  test("lets what runs go on and begins nothing new until it is resumed", async () => {
    endings = { a: undefined };
    const id = await run("running", command("a"), command("b"));
    await eventually(async () => expect((await step(id, "a")).state).toBe("running"));
    expect(await accepted(act(id, "pause", { reason: "look first" }))).toEqual({ id, state: "paused" });
    expect((await read(id)).paused).toMatchObject({ reason: "look first", actor: { type: "api_key" } });
    expect((await step(id, "a")).state).toBe("running");
    const again = await act(id, "pause", {});
    expect([again.status, problemOf(again).detail]).toEqual([
      409,
      expect.stringMatching(/paused.*Resume or cancel/),
    ]);
    expect((await accepted(act(id, "resume"))).state).toBe("running");
    const resumed = await act(id, "resume");
    expect([resumed.status, problemOf(resumed).code]).toEqual([409, "invalid_state"]);
    expect(problemOf(resumed).detail).toMatch(/running.*paused or canceled/);
    await act(id, "cancel", { force: true });
  });
});

describe("canceling", () => {
  test("stops what runs and does `finally`; by force it waits for nothing and says what nobody can confirm", async () => {
    endings = { a: undefined };
    const id = await run("running", command("a"));
    await eventually(async () => expect((await step(id, "a")).state).toBe("running"));
    await accepted(act(id, "cancel", { reason: "wrong host" }));
    expect(await read(id)).toMatchObject({ canceling: true });
    const paused = await act(id, "pause", {});
    expect([paused.status, problemOf(paused).detail]).toEqual([409, expect.stringContaining("by force")]);
    expect(await accepted(act(id, "cancel", { force: true }))).toEqual({ id, state: "canceled" });
    expect(await read(id)).toMatchObject({ state: "canceled", confirmed: false, canceling: false });
  });
});

describe("answering", () => {
  const form = "form:\n  - name: ticket\n    type: string";

  test("an instruction is acknowledged with its form and a note", async () => {
    const id = await run(
      "waiting",
      block(`kind: instruction\nname: look\nacknowledge: true\nmarkdown: Look.\n${form}`),
    );
    const incomplete = await act(id, "steps/look/acknowledge", {});
    expect([incomplete.status, problemOf(incomplete).detail]).toEqual([
      422,
      expect.stringContaining("ticket"),
    ]);
    await accepted(act(id, "steps/look/acknowledge", { note: "seen", values: { ticket: "INC-7" } }));
    expect((await read(id)).state).toBe("succeeded");
    expect(await step(id, "look")).toMatchObject({
      values: { ticket: "INC-7" },
      answers: [{ answer: "acknowledge", note: "seen", actor: { type: "api_key" } }],
    });
  });

  const confirmed = "```bash {name=wipe confirm=true}\ntrue\n```\n\n";

  test("a step that asks is confirmed, or rejected", async () => {
    const id = await run("waiting", confirmed);
    await accepted(act(id, "steps/wipe/confirm", { note: "go" }));
    await reaches(id, "succeeded");
    const refused = await run("waiting", confirmed);
    await accepted(act(refused, "steps/wipe/reject", { note: "not today" }));
    await reaches(refused, "failed");
    expect((await read(refused)).detail).toContain("not today");
  });

  test("what waits is skipped, with a reason", async () => {
    const id = await run("waiting", block("kind: timer\nname: pause\nduration: 1h"), command("after"));
    expect((await act(id, "steps/pause/skip", {})).status).toBe(400);
    await accepted(act(id, "steps/pause/skip", { reason: "no need" }));
    await reaches(id, "succeeded");
    expect(await step(id, "pause")).toMatchObject({ state: "skipped", detail: "no need" });
  });

  test("[G19] an approval counts once for each person, for the plan at hand, and not for who asked", async () => {
    const [bob, eve] = [await colleague(), await colleague("admin")];
    const id = await run("waiting", block("kind: approval\nname: agree\nrequired: 2\nmarkdown: Agreed?"));
    const { planDigest } = await read(id);
    const approve = (as: Credential, digest = planDigest) =>
      act(id, "steps/agree/approve", { planDigest: digest }, as);
    const codeOf = async (answer: Promise<Answer>) => {
      const got = await answer;
      return [got.status, problemOf(got).code];
    };
    expect(await codeOf(approve({ key: person.key }))).toEqual([403, "forbidden"]);
    expect(await codeOf(approve({ cookie: person.cookie }))).toEqual([403, "forbidden"]);
    expect(await codeOf(approve({ cookie: bob.cookie }, "older"))).toEqual([409, "conflict"]);
    expect((await accepted(approve({ cookie: bob.cookie }))).state).toBe("waiting");
    expect(await codeOf(approve({ cookie: bob.cookie }))).toEqual([409, "conflict"]);
    expect((await accepted(approve({ cookie: eve.cookie }))).state).toBe("succeeded");
    expect(await codeOf(approve({ cookie: eve.cookie }))).toEqual([409, "invalid_state"]);
  });

  test("an approval that is rejected fails, and says by whom", async () => {
    const bob = await colleague();
    const id = await run("waiting", block("kind: approval\nname: agree\nmarkdown: Agreed?"));
    await accepted(act(id, "steps/agree/reject", { note: "too risky" }, { cookie: bob.cookie }));
    expect(await read(id)).toMatchObject({
      state: "failed",
      detail: expect.stringMatching(/Bob.*too risky/),
    });
  });

  test("[G19] who started the parent cannot approve inside of what it starts, also not through the key that did", async () => {
    const bob = await colleague();
    const inner = await create(block("kind: approval\nname: agree\nmarkdown: Agreed?"));
    const outer = await run("running", block(`kind: runbook\nname: child\nrunbook: ${inner}`));
    await eventually(async () => expect((await step(outer, "child")).executionId).toBeDefined());
    const { executionId: child = "" } = await step(outer, "child");
    await reaches(child, "waiting");
    const { planDigest, trigger } = await read(child);
    expect(trigger).toEqual({ type: "parent", executionId: outer });
    for (const as of [{ cookie: person.cookie }, { key: person.key }]) {
      const refused = await act(child, "steps/agree/approve", { planDigest }, as);
      expect([refused.status, problemOf(refused).code]).toEqual([403, "forbidden"]);
    }
    await accepted(act(child, "steps/agree/approve", { planDigest }, { cookie: bob.cookie }));
    await reaches(outer, "succeeded");
  });
});

describe("what the state does not allow is refused with the state and what it allows", () => {
  const verbs = [
    ["pause", {}],
    ["resume", undefined],
    ["cancel", {}],
    ["cancel", { force: true }],
    ["steps/a/skip", { reason: "no" }],
    ["steps/a/acknowledge", {}],
    ["steps/a/approve", { planDigest: "x" }],
    ["steps/a/reject", {}],
    ["steps/a/confirm", {}],
  ] as const;

  test.each(verbs)("%s %j, of what has ended", async (verb, body) => {
    const id = await run("succeeded", command("a"));
    const answer = await act(id, verb, body);
    expect([answer.status, problemOf(answer).code]).toEqual([409, "invalid_state"]);
    expect(problemOf(answer).detail).toMatch(/ended \(succeeded\).*Retry it/);
  });

  test.each(verbs.slice(4))("%s %j, of a step that runs", async (verb, body) => {
    endings = { a: undefined };
    const id = await run("running", command("a"));
    await eventually(async () => expect((await step(id, "a")).state).toBe("running"));
    const answer = await act(id, verb, body);
    expect([answer.status, problemOf(answer).code]).toEqual([409, "invalid_state"]);
    expect(problemOf(answer).detail).toMatch(/"a" is running.*cancel/i);
    expect((await act(id, verb.replace("/a/", "/nope/"), body)).status).toBe(404);
    await act(id, "cancel", { force: true });
  });

  test("an answer that is not the one waited for", async () => {
    const id = await run("waiting", block("kind: approval\nname: a\nmarkdown: Agreed?"));
    const answer = await act(id, "steps/a/acknowledge", {});
    expect([answer.status, problemOf(answer).code]).toEqual([409, "invalid_state"]);
    expect(problemOf(answer).detail).toMatch(/waits for approval.*approved or rejected/);
    const retry = await act(id, "retry", {});
    expect([retry.status, problemOf(retry).detail]).toEqual([
      409,
      expect.stringMatching(/waiting.*Cancel it/),
    ]);
    const remove = await api("DELETE", `/executions/${id}`);
    expect([remove.status, problemOf(remove).detail]).toEqual([
      409,
      expect.stringMatching(/waiting.*Cancel it/),
    ]);
  });
});

describe("what is only in the archive", () => {
  /** Runs it to its end, and on until the coordinator has let go of its log. */
  async function archived(...blocks: string[]): Promise<string> {
    const id = await start(await create(...blocks));
    await eventually(async () => expect((await read(id)).finishedAt).toBeDefined());
    const stub = coordinatorOf(place, id);
    const { organizationId } = place;
    const manifest = `${archivePrefix(organizationId, id)}manifest.json`;
    await eventually(async () => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + REST_MS });
      await runDurableObjectAlarm(stub);
      expect(await env.ARCHIVE.head(manifest)).not.toBeNull();
    });
    await eventually(async () => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + KEEP_MS + 60_000 });
      await runDurableObjectAlarm(stub);
      expect(await rows(id)).toBe(0);
    });
    vi.useRealTimers();
    // In that time the pool has given up its agent, which said nothing.
    await connect();
    return id;
  }
  const rows = (id: string) =>
    runInDurableObject(coordinatorOf(place, id), (_, { storage }) =>
      Number(storage.sql.exec("SELECT COUNT(*) AS n FROM log").one().n),
    );

  test("can be retried from where it failed, with the values of what succeeded", async () => {
    endings = { a: { values: { image: "abc" } }, b: { exitCode: 1 } };
    const id = await archived(command("a"), command("b"));
    endings = {};
    agent.ran.length = 0;
    const again = dataOf(await act(id, "retry", { mode: "failed" }), executionSummarySchema).id;
    await reaches(again, "succeeded");
    expect(agent.ran).toEqual(["b"]);
    expect((await step(again, "a")).values).toEqual({ image: "abc" });
  });

  test("has its tail and its ranges, as text", async () => {
    endings = { a: { text: "one\ntwo\nthree\n" } };
    const id = await archived(command("a"));
    expect((await api("GET", `/executions/${id}/output?tail=2`)).text).toBe("two\nthree\n");
    const part = await api("GET", `/executions/${id}/steps/a/output?stream=stdout&offset=4&limit=3`);
    expect(part.text).toBe("two");
  });

  test("can be deleted, and is then gone", async () => {
    const id = await archived(command("a"));
    expect((await api("DELETE", `/executions/${id}`)).status).toBe(200);
    await eventually(async () => expect(await coordinatorOf(place, id).read()).toBeNull());
    expect((await api("GET", `/executions/${id}`)).status).toBe(404);
    expect((await api("GET", "/executions?limit=100")).text).not.toContain(id);
  });
});

describe("live output as plain text", () => {
  /** An execution whose one step a scripted agent has in hand. */
  async function inHand(ask: (runbookId: string) => Promise<Response>) {
    const pool = dataOf(await api("POST", "/pools", { name: `p${crypto.randomUUID()}` }), poolSchema);
    const own = { ...place, poolId: pool.id, agentId: newId("agent") };
    const control = await connectAgent(own);
    const runbookId = await create(command("work"));
    const response = await ask(`${runbookId}/${pool.name}`);
    const { lease, firstStep } = await acceptOffer(control);
    const data = await openData(own, lease.executionId);
    const attempt = new Attempt(firstStep.step, lease.fence);
    data.send(attempt.hello(lease));
    data.send(attempt.started());
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    if (!reader) throw new Error("no body");
    return { response, data, attempt, reader, executionId: lease.executionId };
  }

  const trigger = (at: string) => {
    const [runbookId, pool] = at.split("/");
    const headers = { accept: "text/plain" };
    return request(`/api/v1/runbooks/${runbookId}/executions`, {
      ...{ method: "POST", key: person.key, body: { pool }, headers },
    });
  };

  const follow =
    (path: string, headers: Record<string, string>) =>
    async (at: string): Promise<Response> => {
      const [runbookId = "", pool] = at.split("/");
      const id = await start(runbookId, { pool });
      return request(`/api/v1/executions/${id}${path}`, { key: person.key, headers });
    };

  test.each([
    ["of the request that starts it", trigger, 201],
    ["of its events", follow("/events", { accept: "text/plain" }), 200],
    ["of its output, followed", follow("/output?follow=1", {}), 200],
  ])("%s, is there before the step ends, and ends with the execution", async (_, ask, status) => {
    const { response, data, attempt, reader, executionId } = await inHand(ask);
    expect([response.status, response.headers.get("content-type")]).toEqual([
      status,
      "text/plain; charset=utf-8",
    ]);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    data.send(attempt.chunk("first\n"));
    expect((await reader.read()).value).toBe("first\n");
    expect((await step(executionId, "work")).state).toBe("running");
    data.send(attempt.chunk("oops\n", "stderr"));
    expect((await reader.read()).value).toBe("oops\n");
    data.send(attempt.finished());
    expect(await reader.read()).toEqual({ done: true, value: undefined });
    expect((await read(executionId)).state).toBe("succeeded");
  });

  test.each(["application/json, text/plain, */*", "*/*"])("is not for who says %j", async (accept) => {
    const headers = { accept };
    const body = { pool: undefined, labels: { nobody: "here" } };
    const path = `/api/v1/runbooks/${await create(command("a"))}/executions`;
    const started = await call(path, { method: "POST", key: person.key, body, headers });
    const { id } = dataOf(started, executionSummarySchema);
    const events = await call(`/api/v1/executions/${id}/events`, { key: person.key, headers });
    expect([started.status, events.headers.get("content-type")]).toEqual([201, "application/json"]);
    await act(id, "cancel", {});
  });
});
