import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type ExecutionSummary, executionSchema, executionSummarySchema } from "#protocol/api/executions.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { problemSchema } from "#protocol/errors.ts";
import { recordedEventSchema } from "#protocol/events.ts";
import { newId } from "#protocol/ids.ts";
import { planDigest } from "#protocol/plan.ts";
import { streamMessageSchema } from "#protocol/viewer.ts";
import { createApp } from "../../worker/app.ts";
import { type Answer, call, dataOf, makeKey, ORIGIN, type Person, request, signUp } from "./harness.ts";

const SOURCE = `---
title: Restart
parameters:
  - name: service
    type: string
    pattern: "[a-z]+"
  - name: force
    type: boolean
    default: false
---

\`\`\`bash {name=restart}
systemctl restart "$FARHAND_PARAM_SERVICE"
\`\`\`
`;

let person: Person;
let runbookId: string;
beforeAll(async () => {
  person = await signUp();
  const answer = await call("/api/v1/runbooks", {
    method: "POST",
    key: person.key,
    body: { source: SOURCE },
  });
  runbookId = dataOf(answer, runbookSchema).id;
});

const parameters = { service: "nginx" };
const problemOf = (answer: Answer) => problemSchema.parse(answer.json);

function trigger(body: unknown = { parameters }, headers: Record<string, string> = {}): Promise<Answer> {
  return call(`/api/v1/runbooks/${runbookId}/executions`, { method: "POST", key: person.key, body, headers });
}

const start = async (): Promise<ExecutionSummary> => dataOf(await trigger(), executionSummarySchema);
const read = (path: string) => call(`/api/v1/executions${path}`, { key: person.key });
const cancel = (id: string, body: unknown = { reason: "enough" }) =>
  call(`/api/v1/executions/${id}/cancel`, { method: "POST", key: person.key, body });

describe("triggering", () => {
  test("answers with the execution, which holds the resolved plan and its digest", async () => {
    const answer = await trigger();
    expect(answer.status).toBe(201);
    const summary = dataOf(answer, executionSummarySchema);
    expect(answer.headers.get("location")).toBe(`/api/v1/executions/${summary.id}`);
    expect(summary).toMatchObject({
      runbookId,
      versionNumber: 1,
      title: "Restart",
      trigger: { type: "api_key" },
    });
    const execution = dataOf(await read(`/${summary.id}`), executionSchema);
    expect(execution.plan).toMatchObject({
      organizationId: person.organizationId,
      parameters: { service: "nginx", force: false },
      target: { poolName: "default" },
    });
    expect(execution.planDigest).toBe(await planDigest(execution.plan));
    expect(execution.steps.map((step) => step.id)).toEqual(["restart"]);
  });

  test("[G9] a hundred at once with one Idempotency-Key and body start one execution", async () => {
    const headers = { "idempotency-key": crypto.randomUUID() };
    const answers = await Promise.all(Array.from({ length: 100 }, () => trigger({ parameters }, headers)));
    const ids = new Set(answers.map((answer) => dataOf(answer, executionSummarySchema).id));
    expect(ids.size).toBe(1);
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(99);
  });

  test("[G9] another body under the same key is a conflict; the same key elsewhere is not", async () => {
    const headers = { "idempotency-key": "deploy-42" };
    const first = dataOf(await trigger({ parameters }, headers), executionSummarySchema);
    const other = await trigger({ parameters: { service: "redis" } }, headers);
    expect([other.status, problemOf(other).code]).toEqual([409, "idempotency_conflict"]);
    const neighbour = await signUp();
    const made = await call("/api/v1/runbooks", {
      method: "POST",
      key: neighbour.key,
      body: { source: SOURCE },
    });
    const elsewhere = await call(`/api/v1/runbooks/${dataOf(made, runbookSchema).id}/executions`, {
      method: "POST",
      key: neighbour.key,
      body: { parameters },
      headers,
    });
    expect(elsewhere.status).toBe(201);
    expect(dataOf(elsewhere, executionSummarySchema).id).not.toBe(first.id);
  });

  test("[G9] a repeat is answered with its execution also after its runbook changed or went away", async () => {
    const write = (method: string, path: string, body?: unknown) =>
      call(`/api/v1/runbooks${path}`, { method, key: person.key, body, headers: { "if-match": "*" } });
    const { id } = dataOf(await write("POST", "", { source: SOURCE }), runbookSchema);
    const headers = { "idempotency-key": crypto.randomUUID() };
    const again = (body: unknown = { parameters }, key = headers) =>
      call(`/api/v1/runbooks/${id}/executions`, { method: "POST", key: person.key, body, headers: key });
    const first = dataOf(await again(), executionSummarySchema);

    await write("PUT", `/${id}`, { source: SOURCE.replace("name: service", "name: unit") });
    const changed = await again();
    expect([changed.status, dataOf(changed, executionSummarySchema).id]).toEqual([200, first.id]);
    const fresh = await again(undefined, { "idempotency-key": crypto.randomUUID() });
    expect([fresh.status, problemOf(fresh).code]).toEqual([422, "invalid_parameters"]);

    await write("DELETE", `/${id}`);
    const gone = await again();
    expect([gone.status, dataOf(gone, executionSummarySchema).id]).toEqual([200, first.id]);
    const other = await again({ parameters: { service: "redis" } });
    expect([other.status, problemOf(other).code]).toEqual([409, "idempotency_conflict"]);
    expect((await again(undefined, { "idempotency-key": crypto.randomUUID() })).status).toBe(404);
  });

  test("costs two D1 calls, one after the other", async () => {
    let calls = 0;
    const counted = new Proxy(env.DB, {
      get(target, name) {
        if (name === "prepare" || name === "batch") calls++;
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const context = createExecutionContext();
    const ask = () =>
      createApp().fetch(
        new Request(`${ORIGIN}/api/v1/runbooks/${runbookId}/executions`, {
          method: "POST",
          headers: { "x-api-key": person.key, "content-type": "application/json" },
          body: JSON.stringify({ parameters }),
        }),
        { ...env, DB: counted },
        context,
      );
    // The first may also note that the key was used, after its answer.
    await (await ask()).text();
    await waitOnExecutionContext(context);
    calls = 0;
    const answer = await ask();
    expect(answer.status).toBe(201);
    expect(calls).toBe(2);
  });

  test.each([
    [{}, "/parameters/service", "required"],
    [{ parameters: { service: "UPPER" } }, "/parameters/service", "match"],
    [{ parameters: { service: "ok", force: "yes" } }, "/parameters/force", "true or false"],
    [{ parameters: { service: "ok", nonsense: 1 } }, "/parameters/nonsense", "no parameter"],
    [{ parameters: { service: "$(touch /tmp/x)" } }, "/parameters/service", "match"],
  ])("with parameters that do not fit is a 422 that says where: %j", async (body, path, words) => {
    const answer = await trigger(body);
    expect([answer.status, problemOf(answer).code]).toEqual([422, "invalid_parameters"]);
    expect(problemOf(answer).issues?.[0]).toMatchObject({ path, message: expect.stringContaining(words) });
  });

  test.each([
    [{ parameters, pool: "nowhere" }, 422, "no_such_pool"],
    [{ parameters, version: 99 }, 404, "not_found"],
    [{ parameters, version: 0 }, 400, "invalid_request"],
    [{ parameters, extra: 1 }, 400, "invalid_request"],
    [{ parameters: { service: { nested: 1 } } }, 400, "invalid_request"],
  ])("is refused for %j", async (body, status, code) => {
    const answer = await trigger(body);
    expect([answer.status, problemOf(answer).code]).toEqual([status, code]);
  });

  test.each(["", " ", "with space", "\u00e4", "x".repeat(256)])(
    "with an Idempotency-Key that is none is refused: %j",
    async (key) => {
      const answer = await trigger({ parameters }, { "idempotency-key": key });
      // A header of spaces arrives empty, which is no key either.
      expect([answer.status, problemOf(answer).code]).toEqual([400, "invalid_request"]);
    },
  );

  test("needs no body where no parameter is required", async () => {
    const made = await call("/api/v1/runbooks", {
      method: "POST",
      key: person.key,
      body: { source: "# Look\n\n```bash\nuptime\n```\n" },
    });
    const { id } = dataOf(made, runbookSchema);
    const answer = await call(`/api/v1/runbooks/${id}/executions`, { method: "POST", key: person.key });
    expect(answer.status).toBe(201);
  });
});

describe("reading", () => {
  test("lists newest first, by runbook and by state as it is now", async () => {
    const owner = await signUp();
    const made = await call("/api/v1/runbooks", { method: "POST", key: owner.key, body: { source: SOURCE } });
    const { id } = dataOf(made, runbookSchema);
    const path = `/api/v1/runbooks/${id}/executions`;
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) {
      const answer = await call(path, { method: "POST", key: owner.key, body: { parameters } });
      ids.push(dataOf(answer, executionSummarySchema).id);
    }
    const [first = ""] = ids;
    await call(`/api/v1/executions/${first}/cancel`, { method: "POST", key: owner.key });
    const list = async (query: string) => {
      const answer = await call(`/api/v1/executions?${query}`, { key: owner.key });
      return dataOf(answer, z.array(executionSummarySchema));
    };
    await expect.poll(async () => (await list("")).map((each) => each.id).sort()).toEqual([...ids].sort());
    const all = await list(`runbookId=${id}`);
    expect(all.map((each) => each.createdAt)).toEqual(
      all
        .map((each) => each.createdAt)
        .sort()
        .reverse(),
    );
    expect(await list(`runbookId=${newId("runbook")}`)).toEqual([]);
    await expect.poll(async () => (await list("state=canceled")).map((each) => each.id)).toEqual([first]);
    const open = [...(await list("state=queued")), ...(await list("state=running"))];
    expect(open.map((each) => each.id).sort()).toEqual(ids.slice(1).sort());
    expect((await call("/api/v1/executions?state=nonsense", { key: owner.key })).status).toBe(400);
  });

  test("the event log comes in pages after a sequence number", async () => {
    const { id } = await start();
    const pageSchema = z.object({ events: z.array(recordedEventSchema), head: z.number() });
    const first = dataOf(await read(`/${id}/events?limit=1`), pageSchema);
    expect(first.events.map((each) => each.event.type)).toEqual(["execution.created"]);
    const rest = dataOf(await read(`/${id}/events?after=1`), pageSchema);
    expect(rest.events.every((each) => each.seq > 1)).toBe(true);
    expect((await read(`/${id}/events?after=-1`)).status).toBe(400);
  });

  test("output of an execution that has printed nothing is empty text; an unknown step is not found", async () => {
    const { id } = await start();
    const output = await read(`/${id}/output`);
    expect([output.status, output.text, output.headers.get("content-type")]).toEqual([
      200,
      "",
      "text/plain; charset=utf-8",
    ]);
    expect(output.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await read(`/${id}/steps/restart/output`)).status).toBe(200);
    expect((await read(`/${id}/steps/restart/chunks?line=0&bytes=1000`)).status).toBe(200);
    for (const path of ["steps/nope/output", "steps/nope/chunks", "steps/..%2f/output"]) {
      expect([path, (await read(`/${id}/${path}`)).status]).toEqual([path, 404]);
    }
    expect((await read(`/${id}/steps/restart/output?stream=stdin`)).status).toBe(400);
  });
});

describe("canceling", () => {
  test("ends it, once", async () => {
    const { id } = await start();
    expect((await cancel(id)).status).toBe(200);
    await expect.poll(async () => dataOf(await read(`/${id}`), executionSchema).state).toBe("canceled");
    const again = await cancel(id);
    expect([again.status, problemOf(again).code]).toEqual([409, "invalid_state"]);
    expect(problemOf(again).detail).toContain("canceled");
  });
});

describe("following", () => {
  /** The events of a finished stream, as (id, name). */
  const eventsOf = (text: string) =>
    text
      .split("\n\n")
      .map((block) => ({ id: /^id: (\d+)$/m.exec(block)?.[1], name: /^event: (\S+)$/m.exec(block)?.[1] }))
      .filter((event) => event.name !== undefined);

  test.each(["text/event-stream", "text/plain"])(
    "[S2] %s in answer to a trigger needs the right to read, before anything starts",
    async (accept) => {
      const key = await makeKey(person, ["executions:write"]);
      const trigger = (key: string) =>
        request(`/api/v1/runbooks/${runbookId}/executions`, {
          method: "POST",
          key,
          body: { parameters },
          headers: { accept, "idempotency-key": `read-${accept}` },
        });
      const refused = await trigger(key);
      expect(refused.status).toBe(403);
      const problem = problemSchema.parse(await refused.json());
      expect([problem.code, problem.detail]).toEqual([
        "insufficient_scope",
        expect.stringContaining("executions:read"),
      ]);
      // Nothing was started under that key: the next one is new, and the one after it a repeat.
      for (const status of [201, 200]) {
        const answer = await trigger(person.key);
        expect([answer.status, answer.headers.get("content-type")]).toEqual([
          status,
          expect.stringContaining(accept),
        ]);
        await answer.body?.cancel();
      }
    },
  );

  test("one request triggers and follows to the end", async () => {
    const response = await request(`/api/v1/runbooks/${runbookId}/executions`, {
      method: "POST",
      key: person.key,
      body: { parameters },
      headers: { accept: "text/event-stream" },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect(response.headers.get("x-ratelimit-limit")).not.toBeNull();
    const id = response.headers.get("location")?.split("/").at(-1) ?? "";
    const whole = response.text();
    expect((await cancel(id)).status).toBe(200);
    const events = eventsOf(await whole);
    expect(events[0]).toEqual({ id: "1", name: "execution.created" });
    expect(events.at(-1)?.name).toBe("execution.finished");
    const resumed = await call(`/api/v1/executions/${id}/events`, {
      key: person.key,
      headers: { accept: "text/event-stream", "last-event-id": "1" },
    });
    expect(eventsOf(resumed.text)).toEqual(events.slice(1));
  });

  test("a WebSocket with a key or a cookie gets the events", async () => {
    const { id } = await start();
    const ways: Record<string, string>[] = [
      { "x-api-key": person.key, upgrade: "websocket" },
      { cookie: person.cookie, origin: ORIGIN, upgrade: "websocket" },
    ];
    for (const headers of ways) {
      const { status, webSocket } = await request(`/api/v1/executions/${id}/stream`, { headers });
      expect(status).toBe(101);
      const first = new Promise<string>((resolve) => {
        webSocket?.addEventListener("message", (event) => resolve(String(event.data)));
      });
      webSocket?.accept();
      webSocket?.send(JSON.stringify({ type: "subscribe", after: 0, output: { mode: "all" } }));
      expect(streamMessageSchema.parse(JSON.parse(await first)).type).toBe("ready");
      webSocket?.close();
    }
    const plain = await read(`/${id}/stream`);
    expect([plain.status, problemOf(plain).code]).toEqual([426, "upgrade_required"]);
  });

  test("the feed tells of a new execution", async () => {
    const { webSocket } = await request("/api/v1/feed", {
      key: person.key,
      headers: { upgrade: "websocket" },
    });
    const messages: string[] = [];
    webSocket?.addEventListener("message", (event) => messages.push(String(event.data)));
    webSocket?.accept();
    const { id } = await start();
    await expect.poll(() => messages.some((message) => message.includes(id))).toBe(true);
    webSocket?.close();
  });
});
