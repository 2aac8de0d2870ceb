/** Retrying, deleting and reading what an execution came to, over the API. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  executionResultSchema,
  executionSchema,
  executionSummarySchema,
  stepSchema,
} from "#protocol/api/executions.ts";
import { poolSchema } from "#protocol/api/pools.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { problemSchema } from "#protocol/errors.ts";
import { newId } from "#protocol/ids.ts";
import { type Answer, call, dataOf, type Person, request, signUp } from "./harness.ts";
import { type Ending, type ObligingAgent, obligingAgent } from "./obligingAgent.ts";
import { Line } from "./scriptedAgent.ts";

const SOURCE = `---
title: Deploy
parameters:
  - name: version
    type: string
    default: "1"
---

\`\`\`bash {name=build}
true
\`\`\`

\`\`\`bash {name=check}
true
\`\`\`

\`\`\`bash {name=ship}
true
\`\`\`
`;

let person: Person;
let runbookId: string;
let agent: ObligingAgent;
let endings: Record<string, Ending> = {};

const api = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  call(`/api/v1${path}`, { method, key: person.key, body, headers });
const problemOf = (answer: Answer) => problemSchema.parse(answer.json);

beforeAll(async () => {
  person = await signUp();
  runbookId = dataOf(await api("POST", "/runbooks", { source: SOURCE }), runbookSchema).id;
  const [pool] = dataOf(await api("GET", "/pools"), z.array(poolSchema));
  const place = {
    organizationId: person.organizationId,
    poolId: pool?.id ?? "",
    agentId: newId("agent"),
  };
  agent = await obligingAgent(place, (step) => (step in endings ? endings[step] : {}));
});

const start = async () =>
  dataOf(await api("POST", `/runbooks/${runbookId}/executions`, {}), executionSummarySchema).id;
const read = async (id: string) => dataOf(await api("GET", `/executions/${id}`), executionSchema);

/** Runs it with these endings, up to this state. */
async function run(next: Record<string, Ending>, state: string): Promise<string> {
  endings = next;
  const id = await start();
  await expect.poll(async () => (await read(id)).state).toBe(state);
  return id;
}

async function retry(id: string, body: unknown, state = "succeeded") {
  endings = {};
  agent.ran.length = 0;
  const answer = await api("POST", `/executions/${id}/retry`, body);
  expect(answer.status).toBe(201);
  const { id: retried } = dataOf(answer, executionSummarySchema);
  expect(answer.headers.get("location")).toBe(`/api/v1/executions/${retried}`);
  await expect.poll(async () => (await read(retried)).state).toBe(state);
  return read(retried);
}

describe("retrying", () => {
  test("from what failed runs nothing again that succeeded, and keeps its values", async () => {
    const id = await run({ build: { values: { image: "abc" } }, check: { exitCode: 1 } }, "failed");
    const again = await retry(id, { mode: "failed" });
    expect(agent.ran).toEqual(["check", "ship"]);
    expect(again).toMatchObject({
      trigger: { type: "retry", executionId: id },
      lineage: { executionId: id, mode: "failed" },
      versionNumber: 1,
      plan: { parameters: { version: "1" } },
    });
    expect(again.steps[0]).toMatchObject({
      id: "build",
      state: "succeeded",
      reused: true,
      values: { image: "abc" },
    });
    const before = await read(id);
    expect(again.planDigest).not.toBe(before.planDigest);
    expect(again.plan.expiresAt).toBeGreaterThanOrEqual(before.plan.expiresAt);
  });

  test("from a step, and from the beginning", async () => {
    const id = await run({ ship: { exitCode: 1 } }, "failed");
    const fromStep = await retry(id, { mode: "step", step: "check" });
    expect(agent.ran).toEqual(["check", "ship"]);
    expect(fromStep.lineage).toEqual({ executionId: id, mode: "step", step: "check" });
    await retry(fromStep.id, { mode: "all" });
    expect(agent.ran).toEqual(["build", "check", "ship"]);
  });

  test("is refused while it runs, and where nothing failed", async () => {
    const id = await run({ check: undefined }, "running");
    const running = await api("POST", `/executions/${id}/retry`, {});
    expect([running.status, problemOf(running).code]).toEqual([409, "invalid_state"]);
    expect(problemOf(running).detail).toContain("running");
    await api("POST", `/executions/${id}/cancel`, { force: true });
    const done = await retry(id, {});
    const succeeded = await api("POST", `/executions/${done.id}/retry`, {});
    expect([succeeded.status, problemOf(succeeded).code]).toEqual([409, "invalid_state"]);
  });

  test.each([
    [{ mode: "step", step: "nope" }, 422, "build, check, ship"],
    [{ mode: "step" }, 400, "step"],
    [{ mode: "all", step: "build" }, 400, "step"],
    [{ mode: "some" }, 400, "mode"],
  ])("is refused for %j", async (body, status, words) => {
    const id = await run({ build: { exitCode: 1 } }, "failed");
    const answer = await api("POST", `/executions/${id}/retry`, body);
    expect(answer.status).toBe(status);
    expect(problemOf(answer).detail).toContain(words);
  });

  test("[G9] with one Idempotency-Key happens once, also after its runbook was deleted", async () => {
    const made = dataOf(await api("POST", "/runbooks", { source: SOURCE }), runbookSchema).id;
    endings = { build: { exitCode: 1 } };
    const { id } = dataOf(await api("POST", `/runbooks/${made}/executions`, {}), executionSummarySchema);
    await expect.poll(async () => (await read(id)).state).toBe("failed");
    const headers = { "idempotency-key": crypto.randomUUID() };
    const answers = await Promise.all(
      [1, 2, 3].map(() => api("POST", `/executions/${id}/retry`, {}, headers)),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 201]);
    const other = await api("POST", `/executions/${id}/retry`, { mode: "all" }, headers);
    expect([other.status, problemOf(other).code]).toEqual([409, "idempotency_conflict"]);

    await api("DELETE", `/runbooks/${made}`);
    expect((await api("POST", `/executions/${id}/retry`, {}, headers)).status).toBe(200);
    const fresh = await api("POST", `/executions/${id}/retry`, {});
    expect([fresh.status, problemOf(fresh).code]).toEqual([409, "invalid_state"]);
    expect(problemOf(fresh).detail).toContain("deleted");
  });
});

describe("deleting", () => {
  test("is for what has ended; it is then gone for everybody, and its row stays", async () => {
    const id = await run({ check: undefined }, "running");
    const early = await api("DELETE", `/executions/${id}`);
    expect([early.status, problemOf(early).code]).toEqual([409, "invalid_state"]);
    await api("POST", `/executions/${id}/cancel`, { force: true });
    expect((await api("DELETE", `/executions/${id}`)).status).toBe(200);
    for (const path of [
      "",
      "/steps",
      "/steps/build",
      "/result",
      "/events",
      "/output",
      "/steps/build/output",
    ]) {
      expect([path, (await api("GET", `/executions/${id}${path}`)).status]).toEqual([path, 404]);
    }
    expect((await api("DELETE", `/executions/${id}`)).status).toBe(404);
    expect((await api("POST", `/executions/${id}/retry`, {})).status).toBe(404);
    expect((await api("POST", `/executions/${id}/cancel`, {})).status).toBe(404);
    expect((await api("GET", "/executions?limit=100")).text).not.toContain(id);
    const row = await env.DB.prepare("SELECT state, deleted_at, deleted_by FROM executions WHERE id = ?")
      .bind(id)
      .first();
    expect(row).toMatchObject({ state: "canceled", deleted_at: expect.any(Number) });
    expect(JSON.parse(String(row?.deleted_by))).toMatchObject({ type: "api_key" });
  });

  test("is told to whoever has a list open, and nothing puts it back there", async () => {
    const id = await run({ check: { exitCode: 1 } }, "failed");
    const headers = { upgrade: "websocket" };
    const { webSocket } = await request("/api/v1/feed", { key: person.key, headers });
    if (!webSocket) throw new Error("no socket");
    const feed = new Line(webSocket);
    expect((await api("DELETE", `/executions/${id}`)).status).toBe(200);
    expect(await feed.next("execution.removed")).toEqual({ type: "execution.removed", executionId: id });
  });

  test("[G9] frees no Idempotency-Key", async () => {
    endings = { build: { exitCode: 1 } };
    const headers = { "idempotency-key": crypto.randomUUID() };
    const trigger = () => api("POST", `/runbooks/${runbookId}/executions`, {}, headers);
    const { id } = dataOf(await trigger(), executionSummarySchema);
    await expect.poll(async () => (await read(id)).state).toBe("failed");
    expect((await api("DELETE", `/executions/${id}`)).status).toBe(200);
    const again = await trigger();
    expect([again.status, dataOf(again, executionSummarySchema).id]).toEqual([200, id]);
    expect((await api("GET", `/executions/${id}`)).status).toBe(404);
  });
});

describe("what it came to", () => {
  test("are its steps, one by one, its values and what failed", async () => {
    const id = await run({ build: { values: { image: "abc" } }, check: { exitCode: 3 } }, "failed");
    const steps = dataOf(await api("GET", `/executions/${id}/steps`), z.array(stepSchema));
    expect(steps.map((step) => [step.id, step.state])).toEqual([
      ["build", "succeeded"],
      ["check", "failed"],
      ["ship", "skipped"],
    ]);
    const skipped = dataOf(await api("GET", `/executions/${id}/steps?state=skipped`), z.array(stepSchema));
    expect(skipped.map((step) => step.id)).toEqual(["ship"]);
    expect((await api("GET", `/executions/${id}/steps?state=nope`)).status).toBe(400);
    const one = dataOf(await api("GET", `/executions/${id}/steps/check`), stepSchema);
    expect(one.outcome).toEqual({ type: "exited", exitCode: 3 });
    expect((await api("GET", `/executions/${id}/steps/nope`)).status).toBe(404);
    const result = dataOf(await api("GET", `/executions/${id}/result`), executionResultSchema);
    expect(result).toMatchObject({
      state: "failed",
      ended: true,
      confirmed: true,
      values: { build: { image: "abc" } },
      failed: [{ id: "check" }],
    });
    expect(result.detail).toContain("check");
  });

  test("is told while it goes on, too", async () => {
    const id = await run({ check: undefined }, "running");
    const result = dataOf(await api("GET", `/executions/${id}/result`), executionResultSchema);
    expect(result).toMatchObject({ state: "running", ended: false, failed: [] });
    await api("POST", `/executions/${id}/cancel`, { force: true });
  });

  test("has an end that can be read by lines and bytes", async () => {
    const text = "1\n2\n3\n4\n";
    const id = await run({ build: { text }, check: { text: "five\nsix" } }, "succeeded");
    const output = async (path: string) => {
      const answer = await api("GET", `/executions/${id}${path}`);
      expect([path, answer.status]).toEqual([path, 200]);
      return answer.text;
    };
    expect(await output("/output")).toBe(`${text}five\nsix`);
    expect(await output("/output?tail=3")).toBe("4\nfive\nsix");
    expect(await output("/output?tail=5b")).toBe("e\nsix");
    expect(await output("/output?tail=2&follow=1")).toBe("five\nsix");
    expect(await output("/steps/build/output?tail=2")).toBe("3\n4\n");
    expect(await output("/steps/build/output?tail=2&stream=stderr")).toBe("");
    expect(await output("/steps/build/output?tail=0")).toBe("");
    for (const query of ["tail=x", "tail=-1", "tail=1&offset=3"]) {
      expect((await api("GET", `/executions/${id}/steps/build/output?${query}`)).status).toBe(400);
    }
  });
});

const eventPageSchema = z.object({ events: z.array(z.unknown()) });

describe("long polling", () => {
  test("answers when there is news, at the end, or when the time is over", async () => {
    const id = await run({ check: undefined }, "running");
    const { head } = await read(id);
    const wait = (query: string) => api("GET", `/executions/${id}?${query}`);
    expect(dataOf(await wait("wait=30s&after=0"), executionSchema).head).toBe(head);
    expect(dataOf(await wait(`wait=0s&after=${head}`), executionSchema).state).toBe("running");
    const events = (query: string) => api("GET", `/executions/${id}/events?${query}`);
    expect(dataOf(await events(`wait=0s&after=${head}`), eventPageSchema).events).toEqual([]);
    const event = events(`wait=30s&after=${head}`);
    const news = wait(`wait=30s&after=${head}`);
    await api("POST", `/executions/${id}/cancel`, { force: true });
    const after = dataOf(await news, executionSchema);
    expect(dataOf(await event, eventPageSchema).events.length).toBeGreaterThan(0);
    expect(after.head).toBeGreaterThan(head);
    expect(dataOf(await wait("wait=30s&after=100000"), executionSchema).state).toBe("canceled");
    expect((await wait("wait=1h")).status).toBe(400);
    expect(dataOf(await events("wait=30s&after=100000"), eventPageSchema).events).toEqual([]);
    expect((await events("wait=1h")).status).toBe(400);
    expect((await api("GET", `/executions/${newId("execution")}?wait=30s`)).status).toBe(404);
  });
});
