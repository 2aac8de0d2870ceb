import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { executionSummarySchema } from "#protocol/api/executions.ts";
import { apiKeyCreatedSchema, apiKeySchema } from "#protocol/api/keys.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { problemSchema } from "#protocol/errors.ts";
import { FEED_SOCKETS_MAX, FEED_SOCKETS_PER_CREDENTIAL_MAX } from "#protocol/limits.ts";
import { CLOSE_CODES } from "#protocol/socket.ts";
import { coordinatorName } from "../../worker/execution/contract.ts";
import { ExecutionCoordinator } from "../../worker/execution/ExecutionCoordinator.ts";
import { CREDENTIAL_HEADER, EXPIRY_HEADER } from "../../worker/feed/contract.ts";
import { call, dataOf, makeKey, ORIGIN, type Person, request, sessionCookieOf, signUp } from "./harness.ts";
import { Line } from "./scriptedAgent.ts";

let person: Person;
let executionId: string;
beforeEach(async () => {
  person = await signUp();
  const post = (path: string, body: unknown) => call(path, { method: "POST", key: person.key, body });
  const made = await post("/api/v1/runbooks", { source: "# Look\n\n```bash\nuptime\n```\n" });
  const run = await post(`/api/v1/runbooks/${dataOf(made, runbookSchema).id}/executions`, {});
  executionId = dataOf(run, executionSummarySchema).id;
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Credential = { key: string } | { cookie: string };

async function open(path: string, credential: Credential): Promise<Line> {
  const headers = { upgrade: "websocket", origin: ORIGIN };
  const { status, webSocket } = await request(path, { ...credential, headers });
  if (!webSocket) throw new Error(`no socket: ${status}`);
  return new Line(webSocket);
}

async function openViewer(credential: Credential): Promise<Line> {
  const viewer = await open(`/api/v1/executions/${executionId}/stream`, credential);
  viewer.send({ type: "subscribe", after: 0, output: { mode: "all" } });
  await viewer.next("ready");
  return viewer;
}

/** A stream over plain HTTP: what has come so far, and how it ended. */
async function openStream(path: string, credential: Credential, accept = "*/*") {
  const answer = await request(`/api/v1/executions/${executionId}${path}`, {
    ...credential,
    headers: { accept },
  });
  if (!answer.body) throw new Error(`no stream: ${answer.status}`);
  const stream: { end: "open" | "whole" | "broken" } = { end: "open" };
  void (async () => {
    const reader = answer.body?.getReader();
    try {
      while (!(await reader?.read())?.done);
      stream.end = "whole";
    } catch {
      stream.end = "broken";
    }
  })();
  return stream;
}

const openStreams = (credential: Credential) =>
  Promise.all([
    openStream("/events", credential, "text/event-stream"),
    openStream("/output?follow=1", credential),
  ]);

const openFeed = (credential: Credential) => open("/api/v1/feed", credential);
const feed = () => env.ORGANIZATION_FEED.getByName(person.organizationId);
const coordinator = () =>
  env.EXECUTION_COORDINATOR.getByName(coordinatorName(person.organizationId, executionId));

/** How many viewers' sockets the organization's feed knows of. */
const watching = () =>
  runInDurableObject(feed(), (_, { storage }) =>
    Number(storage.sql.exec("SELECT COUNT(*) AS n FROM viewers").one().n),
  );

async function revokeKey(key: string) {
  const keys = dataOf(await call("/api/v1/api-keys", person), z.array(apiKeySchema));
  const id = keys.find((each) => key.startsWith(each.hint))?.id ?? "";
  const revoke = () => call(`/api/v1/api-keys/${id}`, { method: "DELETE", key: person.key });
  return { id, answer: await revoke(), revoke };
}

async function logIn(): Promise<{ cookie: string }> {
  const { email, password } = person;
  const answer = await call("/api/auth/sign-in/email", {
    method: "POST",
    body: { email, password },
    headers: { origin: ORIGIN, "cf-connecting-ip": email },
  });
  return { cookie: sessionCookieOf(answer) };
}

describe("[S1] [S12] what a credential opened ends with it", () => {
  test("an API key that is revoked; sockets of others stay", async () => {
    const key = await makeKey(person, ["executions:read"]);
    const ending = [await openFeed({ key }), await openViewer({ key }), await openViewer({ key })];
    const staying = [await openFeed(person), await openViewer(person)];
    await expect.poll(watching).toBe(3);
    const { answer, revoke } = await revokeKey(key);
    expect(answer.status).toBe(200);
    for (const socket of ending) expect(await socket.end()).toMatchObject({ code: CLOSE_CODES.revoked });
    expect(staying.map((socket) => socket.closed)).toEqual([undefined, undefined]);
    expect((await revoke()).status).toBe(200);
    await expect(openFeed({ key })).rejects.toThrow("401");
  });

  test("a session that is logged out; another session of the same person stays", async () => {
    const [leaving, other] = [await logIn(), await logIn()];
    const ending = [await openFeed(leaving), await openViewer(leaving)];
    const staying = [await openFeed(other), await openViewer(other)];
    await expect.poll(watching).toBe(2);
    const out = await call("/api/auth/sign-out", {
      method: "POST",
      ...leaving,
      headers: { origin: ORIGIN },
      body: {},
    });
    expect(out.status).toBe(200);
    for (const socket of ending) expect(await socket.end()).toMatchObject({ code: CLOSE_CODES.revoked });
    expect(staying.map((socket) => socket.closed)).toEqual([undefined, undefined]);
  });

  test("also when its socket opens only just after", async () => {
    await feed().revoke("key_gone");
    const headers = { upgrade: "websocket", [CREDENTIAL_HEADER]: "key_gone" };
    expect((await feed().fetch("https://object/feed", { headers })).status).toBe(401);
    const { webSocket } = await coordinator().fetch("https://object/viewer", { headers });
    if (!webSocket) throw new Error("no socket");
    expect(await new Line(webSocket).end()).toMatchObject({ code: CLOSE_CODES.revoked });
  });

  test("also when a coordinator does not answer at first", async () => {
    const key = await makeKey(person, ["executions:read"]);
    const viewer = await openViewer({ key });
    await expect.poll(watching).toBe(1);
    vi.spyOn(ExecutionCoordinator.prototype, "endViewers").mockImplementationOnce(async () => {
      throw new Error("no answer");
    });
    expect((await revokeKey(key)).answer.status).toBe(200);
    expect(viewer.closed).toBeUndefined();
    await runDurableObjectAlarm(feed());
    expect(await viewer.end()).toMatchObject({ code: CLOSE_CODES.revoked });
  });
});

describe("[S1] [S2] streams over plain HTTP", () => {
  test("break off when their key is revoked, as what they say is not whole; those of others go on", async () => {
    const key = await makeKey(person, ["executions:read"]);
    const ending = await openStreams({ key });
    const staying = await openStreams(person);
    await expect.poll(watching).toBe(4);
    expect((await revokeKey(key)).answer.status).toBe(200);
    await expect.poll(() => ending.map(({ end }) => end)).toEqual(["broken", "broken"]);
    expect(staying.map(({ end }) => end)).toEqual(["open", "open"]);
    await call(`/api/v1/executions/${executionId}/cancel`, { method: "POST", key: person.key, body: {} });
    await expect.poll(() => staying.map(({ end }) => end)).toEqual(["whole", "whole"]);
    await expect.poll(watching).toBe(0);
  });

  test("are forgotten when nobody reads them any more", async () => {
    const headers = { accept: "text/event-stream" };
    const { body } = await request(`/api/v1/executions/${executionId}/events`, { ...person, headers });
    await expect.poll(watching).toBe(1);
    await body?.cancel();
    await expect.poll(watching).toBe(0);
  });
});

describe("[S1] [S2] what a credential opened ends when it expires", () => {
  const HOUR_MS = 60 * 60_000;
  afterEach(() => {
    vi.useRealTimers();
  });

  /** The clock goes on by this much, and the feed's alarm rings. */
  async function pass(ms: number): Promise<void> {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
    await runDurableObjectAlarm(feed());
  }

  async function everything(credential: Credential) {
    const lines = [await openFeed(credential), await openViewer(credential)];
    const streams = await openStreams(credential);
    await expect.poll(watching).toBe(3);
    return {
      lines,
      ends: () => [...lines.map(({ closed }) => closed?.code), ...streams.map(({ end }) => end)],
    };
  }
  const OPEN = [undefined, undefined, "open", "open"];
  const ENDED = [CLOSE_CODES.revoked, CLOSE_CODES.revoked, "broken", "broken"];

  test("an API key", async () => {
    const made = await call("/api/v1/api-keys", {
      method: "POST",
      key: person.key,
      body: { name: "short", scopes: ["executions:read"], expiresInDays: 1 },
    });
    const { ends } = await everything({ key: dataOf(made, apiKeyCreatedSchema).key });
    await pass(23 * HOUR_MS);
    expect(ends()).toEqual(OPEN);
    await pass(2 * HOUR_MS);
    await expect.poll(ends).toEqual(ENDED);
    await expect.poll(watching).toBe(0);
  });

  test("a session, until it is found to last longer", async () => {
    const { ends } = await everything(await logIn());
    await pass(8 * 24 * HOUR_MS);
    await expect.poll(ends).toEqual(ENDED);
    // Whoever comes again with a session that was prolonged is let in.
    const credentialId = await runInDurableObject(feed(), (_, { storage }) =>
      storage.sql.exec("SELECT COUNT(*) AS n FROM revoked").one(),
    );
    expect(credentialId).toEqual({ n: 0 });
  });

  test("of two that are open, the one that has expired", async () => {
    const headers = (id: string, ms: number) => ({
      upgrade: "websocket",
      [CREDENTIAL_HEADER]: id,
      [EXPIRY_HEADER]: String(Date.now() + ms),
    });
    const view = async (id: string, ms: number) => {
      const { webSocket } = await coordinator().fetch("https://object/viewer", { headers: headers(id, ms) });
      if (!webSocket) throw new Error("no socket");
      return new Line(webSocket);
    };
    const [early, late, longer] = [
      await view("ses_a", HOUR_MS),
      await view("ses_b", 3 * HOUR_MS),
      await view("ses_c", HOUR_MS),
    ];
    const prolonged = await view("ses_c", 3 * HOUR_MS);
    await expect.poll(watching).toBe(4);
    await pass(2 * HOUR_MS);
    expect(await early.end()).toMatchObject({ code: CLOSE_CODES.revoked });
    expect([late.closed, longer.closed, prolonged.closed]).toEqual([undefined, undefined, undefined]);
    await pass(2 * HOUR_MS);
    for (const line of [late, longer, prolonged]) {
      expect(await line.end()).toMatchObject({ code: CLOSE_CODES.revoked });
    }
  });
});

describe("sockets of the feed", () => {
  const fill = (count: number, credential: Credential) =>
    Promise.all(Array.from({ length: count }, () => openFeed(credential)));
  /** A socket of the feed that is refused, in words. */
  async function refused(credential: Credential): Promise<string> {
    const headers = { upgrade: "websocket", origin: ORIGIN };
    const answer = await request("/api/v1/feed", { ...credential, headers });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "10"]);
    return problemSchema.parse(await answer.json()).detail;
  }

  test("are limited for one log-in or key, and for an organization", async () => {
    const key = await makeKey(person, ["executions:read"]);
    const [first] = await fill(FEED_SOCKETS_PER_CREDENTIAL_MAX, { key });
    expect(await refused({ key })).toContain(`${FEED_SOCKETS_PER_CREDENTIAL_MAX} sockets`);
    // Others are not in its way, and a place that is left can be taken.
    await openFeed(person);
    first?.socket.close(1000);
    await first?.end();
    await expect
      .poll(() =>
        openFeed({ key }).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    const open = FEED_SOCKETS_PER_CREDENTIAL_MAX + 1;
    // As the worker would ask for credentials of its own.
    const ask = (n: number) =>
      feed().fetch("https://object/feed", {
        headers: { upgrade: "websocket", [CREDENTIAL_HEADER]: `key_${n}` },
      });
    for (let n = open; n < FEED_SOCKETS_MAX; n++) (await ask(n)).webSocket?.accept();
    expect((await ask(0)).status).toBe(429);
    expect(await refused(await logIn())).toContain(`${FEED_SOCKETS_MAX} sockets`);
  });
});

test("the feed forgets a viewer that closed", async () => {
  const viewer = await openViewer(person);
  await expect.poll(watching).toBe(1);
  viewer.socket.close(1000);
  await expect.poll(watching).toBe(0);
});
