/** Webhooks: what is sent, how often, to whom, and what they are told. */
import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import {
  type WebhookDelivery,
  type WebhookWithSecret,
  webhookDeliverySchema,
  webhookDetailSchema,
  webhookSchema,
  webhookWithSecretSchema,
} from "#protocol/api/webhooks.ts";
import { problemSchema } from "#protocol/errors.ts";
import { newId } from "#protocol/ids.ts";
import { WEBHOOK_DELIVERIES_MAX, WEBHOOKS_MAX } from "#protocol/limits.ts";
import { type Notification, notificationSchema } from "#protocol/notifications.ts";
import { tenantDb } from "../../worker/db/tenant.ts";
import worker from "../../worker/index.ts";
import { DEAD_LETTERS, type Message, RETRY_DELAYS_S } from "../../worker/notifications/consume.ts";
import { agentNotification, notificationId } from "../../worker/notifications/notify.ts";
import { call, dataOf, type Person, signUp } from "./harness.ts";

interface Received {
  url: string;
  id: string;
  timestamp: string;
  signatures: string[];
  body: string;
}

let person: Person;
let received: Received[];
/** What each address answers with; 200 when it is not here. */
let answers: Record<string, number | "nothing">;

beforeEach(async () => {
  person = await signUp();
  received = [];
  answers = {};
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const url = String(input);
    const headers = new Headers(init?.headers);
    received.push({
      url,
      id: headers.get("webhook-id") ?? "",
      timestamp: headers.get("webhook-timestamp") ?? "",
      signatures: headers.get("webhook-signature")?.split(" ") ?? [],
      body: String(init?.body),
    });
    const answer = answers[url] ?? 200;
    if (answer === "nothing") throw new Error("connect ECONNREFUSED 203.0.113.9:443");
    const location = { location: "http://169.254.169.254/latest/meta-data" };
    return new Response("a secret of the receiver's", { status: answer, headers: location });
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const api = (method: string, path: string, body?: unknown) =>
  call(`/api/v1${path}`, { method, key: person.key, body });

async function create(more: object = {}): Promise<WebhookWithSecret> {
  const url = `https://${crypto.randomUUID()}.example.com/hook`;
  const events = ["execution.finished", "agent.revoked"];
  const answer = await api("POST", "/webhooks", { name: "test", url, events, ...more });
  return dataOf(answer, webhookWithSecretSchema);
}

const detailOf = async ({ id }: { id: string }) =>
  dataOf(await api("GET", `/webhooks/${id}`), webhookDetailSchema);

const finished = (more: object = {}): Notification =>
  notificationSchema.parse({
    type: "execution.finished",
    timestamp: "2026-01-02T03:04:05.678Z",
    data: {
      executionId: newId("execution"),
      runbookId: newId("runbook"),
      title: "Restart the web servers",
      state: "failed",
      confirmed: true,
      durationMs: 1234,
      trigger: { type: "user" },
      url: "https://farhand.test/executions/x",
      ...more,
    },
  });

async function messageOf(event: Notification): Promise<Message> {
  const { organizationId } = person;
  return { type: "event", organizationId, id: await notificationId(organizationId, event), event };
}

async function deliveryOf(event: Notification, { id: recipient }: { id: string }): Promise<Message> {
  return { ...(await messageOf(event)), type: "delivery", channel: "webhook", recipient };
}

/** Hands messages to the consumer as the queue would; resolves with what it made of them. */
async function consume(bodies: unknown[], attempts = 1, queue = "farhand-notifications") {
  const messages = bodies.map((body, index) => ({
    id: String(index),
    timestamp: new Date(),
    attempts,
    body,
  }));
  const batch = createMessageBatch(queue, messages);
  const retries: { msgId: string; delaySeconds?: number | undefined }[] = [];
  for (const message of batch.messages) {
    const retry = message.retry.bind(message);
    // What the queue is told of the delay, its result leaves out.
    vi.spyOn(message, "retry").mockImplementation((options) => {
      retries.push({ msgId: message.id, ...options });
      retry(options);
    });
  }
  const context = createExecutionContext();
  await worker.queue(batch, env);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, context);
  expect(retryMessages.map(({ msgId }) => msgId)).toEqual(retries.map(({ msgId }) => msgId));
  return { explicitAcks, retries };
}

const acknowledged = { explicitAcks: ["0"], retries: [] };
const retried = (delaySeconds?: number) => ({
  explicitAcks: [],
  retries: [{ msgId: "0", ...(delaySeconds !== undefined && { delaySeconds }) }],
});

/** As a receiver would, by the published algorithm. */
function isSigned({ id, timestamp, signatures, body }: Received, secret: string): boolean {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return signatures.includes(`v1,${expected}`);
}

describe("a message", () => {
  test("[S10] is signed by the published algorithm, and says what happened and nothing else", async () => {
    const webhook = await create();
    const event = finished();
    expect(await consume([await deliveryOf(event, webhook)])).toMatchObject(acknowledged);
    expect(received).toHaveLength(1);
    const [message] = received as [Received];
    expect(isSigned(message, webhook.secret)).toBe(true);
    expect(isSigned({ ...message, body: `${message.body} ` }, webhook.secret)).toBe(false);
    expect(Math.abs(Number(message.timestamp) - Date.now() / 1000)).toBeLessThan(10);
    expect(JSON.parse(message.body)).toEqual(event);
    expect(message.url).toBe(webhook.url);
  });

  test("[fault 39] delivered twice by the queue has one webhook id, and arrives once", async () => {
    const webhook = await create();
    const event = finished();
    await consume([await deliveryOf(event, webhook)]);
    expect(await consume([await deliveryOf(event, webhook)], 2)).toMatchObject(acknowledged);
    expect(received).toHaveLength(1);
    expect((await detailOf(webhook)).deliveries).toMatchObject([{ state: "delivered", attempts: 1 }]);
  });

  test("[fault 39] delivered twice at once, or tried again, has one webhook id", async () => {
    const webhook = await create();
    const delivery = await deliveryOf(finished(), webhook);
    await consume([delivery, delivery]);
    const once = received.length;
    expect(once).toBeGreaterThan(0);
    answers[webhook.url] = 500;
    const other = await deliveryOf(finished(), webhook);
    await consume([other]);
    await consume([other], 2);
    expect(new Set(received.slice(0, once).map(({ id }) => id))).toEqual(new Set([delivery.id]));
    expect(received.slice(once).map(({ id }) => id)).toEqual([other.id, other.id]);
    expect(other.id).not.toBe(delivery.id);
  });

  test("[fault 39] produced twice has one id; what happens again, elsewhere or to somebody else has another", async () => {
    const event = finished();
    const { organizationId } = person;
    const id = await notificationId(organizationId, event);
    expect(await notificationId(organizationId, structuredClone(event))).toBe(id);
    const later: Notification = { ...event, timestamp: new Date().toISOString() };
    const others = [notificationId(organizationId, later), notificationId(organizationId, finished())];
    const ids = await Promise.all([...others, notificationId(newId("organization"), event)]);
    expect(new Set([id, ...ids]).size).toBe(4);
  });

  test("becomes one delivery for each webhook that wants it", async () => {
    const wanted = [await create(), await create()];
    await create({ events: ["agent.quarantined"] });
    const off = await create();
    await api("PUT", `/webhooks/${off.id}`, { enabled: false });
    const sent: unknown[] = [];
    vi.spyOn(env.NOTIFICATIONS, "sendBatch").mockImplementation(async (messages) => {
      sent.push(...Array.from(messages, ({ body }) => body));
      return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
    });
    const event = finished();
    expect(await consume([await messageOf(event)])).toMatchObject(acknowledged);
    const expected = await Promise.all(wanted.map((each) => deliveryOf(event, each)));
    expect(sent).toHaveLength(2);
    expect(sent).toEqual(expect.arrayContaining(expected));
  });

  test("that cannot be read is tried later, when a newer version may understand it", async () => {
    const event = { type: "execution.imagined", timestamp: "2026-01-02T03:04:05Z", data: {} };
    const { organizationId } = person;
    expect(await consume([{ type: "event", organizationId, id: "msg_x", event }])).toMatchObject(retried(5));
  });

  test("goes through the real queue to the receiver, from the end of an agent", async () => {
    const webhook = await create();
    const agent = { id: newId("agent"), name: "web-1", poolId: newId("pool") };
    const event = agentNotification(env, "agent.revoked", agent, new Date(), "Ada revoked it.");
    await env.NOTIFICATIONS.send(await messageOf(event));
    await expect.poll(() => received.length, { timeout: 10_000 }).toBe(1);
    expect(JSON.parse(received[0]?.body ?? "")).toMatchObject({
      type: "agent.revoked",
      data: {
        agentId: agent.id,
        name: "web-1",
        detail: "Ada revoked it.",
        url: "https://farhand.test/agents",
      },
    });
    await expect
      .poll(async () => (await detailOf(webhook)).deliveries, { timeout: 10_000 })
      .toMatchObject([{ state: "delivered", type: "agent.revoked", subject: agent.id }]);
  });
});

describe("an endpoint that fails", () => {
  test("is tried again by itself: what another one has received is not repeated", async () => {
    const [good, bad] = [await create(), await create()];
    answers[bad.url] = 503;
    const event = finished();
    const both = [await deliveryOf(event, good), await deliveryOf(event, bad)];
    expect(await consume(both)).toMatchObject({
      explicitAcks: ["0"],
      retries: [{ msgId: "1", delaySeconds: RETRY_DELAYS_S[0] }],
    });
    expect((await detailOf(bad)).deliveries).toMatchObject([
      { state: "pending", attempts: 1, status: 503, detail: "It answered with 503." },
    ]);
    // Also when the event itself comes again, and with it a message for each.
    delete answers[bad.url];
    await consume(both, 2);
    expect(received.map(({ url }) => url).filter((url) => url === good.url)).toHaveLength(1);
    const [delivery] = (await detailOf(bad)).deliveries;
    expect(delivery).toMatchObject({ state: "delivered", attempts: 2, status: 200 });
    expect(delivery?.nextAttemptAt).toBeUndefined();
  });

  test("is given more time after each attempt, and is with the dead letters after the last", async () => {
    const webhook = await create();
    answers[webhook.url] = "nothing";
    const delivery = await deliveryOf(finished(), webhook);
    for (const [index, delay] of RETRY_DELAYS_S.entries()) {
      expect(await consume([delivery], index + 1)).toMatchObject(retried(delay));
      const [shown] = (await detailOf(webhook)).deliveries as [WebhookDelivery];
      const waits = Date.parse(shown.nextAttemptAt ?? "") - Date.parse(shown.lastAttemptAt);
      expect(Math.abs(waits - delay * 1000)).toBeLessThan(5_000);
      expect(shown).toMatchObject({ state: "pending", attempts: index + 1 });
    }
    expect(await consume([delivery], RETRY_DELAYS_S.length + 1)).toMatchObject(retried());
    expect(await consume([delivery], 1, DEAD_LETTERS)).toMatchObject(acknowledged);
    const [shown] = (await detailOf(webhook)).deliveries;
    expect(shown).toMatchObject({ state: "failed", detail: "It could not be reached." });
    expect(shown?.nextAttemptAt).toBeUndefined();
  });

  test("with the dead letters does not become one that failed when it was delivered", async () => {
    const webhook = await create();
    const delivery = await deliveryOf(finished(), webhook);
    await consume([delivery]);
    await consume([delivery, { nonsense: true }], 1, DEAD_LETTERS);
    expect((await detailOf(webhook)).deliveries).toMatchObject([{ state: "delivered" }]);
  });

  test("and is disabled by a person is not tried again, which it says", async () => {
    const webhook = await create();
    answers[webhook.url] = 500;
    const delivery = await deliveryOf(finished(), webhook);
    await consume([delivery]);
    await api("PUT", `/webhooks/${webhook.id}`, { enabled: false });
    expect(await consume([delivery], 2)).toMatchObject(acknowledged);
    expect(received).toHaveLength(1);
    const shown = await detailOf(webhook);
    expect(shown).toMatchObject({ enabled: false, deliveries: [{ state: "failed", attempts: 1 }] });
    expect(shown.disabledReason).toBeUndefined();
  });

  test("with 410 is disabled, which it says; enabled by a person it is sent to again", async () => {
    const webhook = await create();
    answers[webhook.url] = 410;
    expect(await consume([await deliveryOf(finished(), webhook)])).toMatchObject(acknowledged);
    const gone = await detailOf(webhook);
    expect(gone).toMatchObject({ enabled: false, deliveries: [{ state: "failed", status: 410 }] });
    expect(gone.disabledReason).toContain("410");
    await consume([await deliveryOf(finished(), webhook)]);
    expect(received).toHaveLength(1);
    answers = {};
    const again = dataOf(await api("PUT", `/webhooks/${webhook.id}`, { enabled: true }), webhookSchema);
    expect([again.enabled, again.disabledReason]).toEqual([true, undefined]);
    await consume([await deliveryOf(finished(), webhook)]);
    expect(received).toHaveLength(2);
  });

  test.each([301, 302, 307, 308])("[S10] with a redirect (%i) is not followed", async (status) => {
    const webhook = await create();
    answers[webhook.url] = status;
    await consume([await deliveryOf(finished(), webhook)]);
    expect(received.map(({ url }) => url)).toEqual([webhook.url]);
    const [init] = vi.mocked(globalThis.fetch).mock.calls.map(([, each]) => each);
    expect(init?.redirect).toBe("manual");
    const [delivery] = (await detailOf(webhook)).deliveries;
    expect(delivery).toMatchObject({ state: "pending", status });
    expect(delivery?.detail).toContain("not followed");
  });

  test("[S10] tells people the status and no more of what it said", async () => {
    const webhook = await create();
    for (const answer of [500, "nothing"] as const) {
      answers[webhook.url] = answer;
      await consume([await deliveryOf(finished(), webhook)]);
    }
    const shown = JSON.stringify(await detailOf(webhook));
    expect(shown).not.toContain("a secret of the receiver's");
    expect(shown).not.toMatch(/ECONNREFUSED|203\.0\.113/);
  });

  test("[S10] that does not answer is given up after 10 s", async () => {
    const webhook = await create();
    const asked = Promise.withResolvers<AbortSignal>();
    vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
      expect(ms).toBe(10_000);
      return AbortSignal.abort();
    });
    vi.mocked(globalThis.fetch).mockImplementation(async (_, init) => {
      asked.resolve(init?.signal ?? AbortSignal.any([]));
      throw new Error("aborted");
    });
    await consume([await deliveryOf(finished(), webhook)]);
    expect((await asked.promise).aborted).toBe(true);
    expect((await detailOf(webhook)).deliveries[0]?.detail).toBe("It did not answer within 10 s.");
  });
});

const PRIVATE = [
  "http://hooks.example.com/",
  "http://localhost:9000/",
  "https://localhost/",
  "https://127.0.0.1/",
  "https://127.1/",
  "https://2130706433/",
  "https://0x7f000001/",
  "https://017700000001/",
  "https://[::1]/",
  "https://[::ffff:127.0.0.1]/",
  "https://[::ffff:a9fe:a9fe]/",
  "https://169.254.169.254/latest/meta-data",
  "https://metadata.google.internal/",
  "https://10.0.0.1/",
  "https://192.168.257/",
  "https://100.64.0.1/",
  "https://[fd00:ec2::254]/",
  "https://[fe80::1]/",
  "https://intranet/",
  "https://nas.local./",
  "https://①②⑦.0.0.1/",
  "https://user:pass@example.com/",
  "https://example.com:22/",
  "ftp://example.com/",
  "javascript:alert(1)",
  "not an address",
];

describe("[S10] an address out of reach", () => {
  test.each(PRIVATE)("%s is refused when it is entered, with words", async (url) => {
    const own = await create();
    for (const answer of [
      await api("POST", "/webhooks", { name: "x", url, events: ["execution.finished"] }),
      await api("PUT", `/webhooks/${own.id}`, { url }),
    ]) {
      const problem = problemSchema.parse(answer.json);
      expect([answer.status, problem.code]).toEqual([400, "invalid_request"]);
      expect(problem.issues).toMatchObject([{ path: "/url" }]);
      expect(problem.detail).toContain("the address");
    }
    expect((await detailOf(own)).url).toBe(own.url);
  });

  test("that came in otherwise is sent nothing", async () => {
    const webhook = await create();
    const { webhooks } = tenantDb(env.DB, person.organizationId);
    for (const url of ["https://169.254.169.254/", "http://localhost:1/", "https://[::1]/"]) {
      await webhooks.update(webhook.id, { url }, new Date());
      expect(await consume([await deliveryOf(finished(), webhook)])).toMatchObject(retried(5));
      expect((await detailOf(webhook)).deliveries[0]?.detail).toContain("Nothing was sent: the address");
    }
    expect(received).toEqual([]);
  });
});

describe("the secret", () => {
  test("[S10] is told once, and stands nowhere in the database", async () => {
    const webhook = await create();
    expect(webhook.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const bare = webhook.secret.slice("whsec_".length);
    for (const path of ["/webhooks", `/webhooks/${webhook.id}`]) {
      expect((await api("GET", path)).text).not.toContain(bare);
    }
    const rows = await env.DB.prepare("SELECT * FROM webhooks").all();
    expect(JSON.stringify(rows.results)).not.toContain(bare);
  });

  test("[S10] until now signs beside the new one for as long as it is told to, and no longer", async () => {
    const webhook = await create();
    const rotate = async (body: object) =>
      dataOf(await api("POST", `/webhooks/${webhook.id}/rotate`, body), webhookWithSecretSchema);
    const next = await rotate({ overlapHours: 2 });
    expect(next.secret).not.toBe(webhook.secret);
    expect(Date.parse(next.previousSecretUntil ?? "")).toBeGreaterThan(Date.now() + 7_000_000);
    const signers = async () => {
      received = [];
      await consume([await deliveryOf(finished(), webhook)]);
      const [message] = received as [Received];
      return [webhook, next].map(({ secret }) => isSigned(message, secret));
    };
    expect(await signers()).toEqual([true, true]);
    expect(received[0]?.signatures).toHaveLength(2);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * 60 * 60 * 1000 + 1_000 });
    expect(await signers()).toEqual([false, true]);
    expect(received[0]?.signatures).toHaveLength(1);
    expect((await detailOf(webhook)).previousSecretUntil).toBeUndefined();
    vi.useRealTimers();
    const last = await rotate({ overlapHours: 0 });
    expect(await signers()).toEqual([false, false]);
    expect(isSigned((received as [Received])[0], last.secret)).toBe(true);
  });

  test("that cannot be opened any more is said to be so", async () => {
    const webhook = await create();
    const batch = createMessageBatch("farhand-notifications", [
      { id: "0", timestamp: new Date(), attempts: 1, body: await deliveryOf(finished(), webhook) },
    ]);
    await worker.queue(batch, { ...env, AUTH_SECRET: "another secret, as long as it has to be" });
    expect((await detailOf(webhook)).deliveries[0]?.detail).toContain("another AUTH_SECRET. Rotate it.");
    expect(received).toEqual([]);
  });
});

describe("the API", () => {
  test("changes, lists and deletes webhooks", async () => {
    const webhook = await create({ name: "first" });
    const change = { name: "renamed", events: ["agent.quarantined", "agent.quarantined"] };
    const changed = dataOf(await api("PUT", `/webhooks/${webhook.id}`, change), webhookSchema);
    expect(changed).toMatchObject({ name: "renamed", events: ["agent.quarantined"], url: webhook.url });
    const other = await create();
    const listed = dataOf(await api("GET", "/webhooks"), z.array(webhookSchema));
    expect(listed.map(({ id }) => id)).toEqual([other.id, webhook.id]);
    await consume([await deliveryOf(finished(), webhook)]);
    expect((await api("DELETE", `/webhooks/${webhook.id}`)).status).toBe(200);
    expect((await api("GET", `/webhooks/${webhook.id}`)).status).toBe(404);
    expect((await api("DELETE", `/webhooks/${webhook.id}`)).status).toBe(404);
    // What was on its way is dropped.
    received = [];
    expect(await consume([await deliveryOf(finished(), webhook)])).toMatchObject(acknowledged);
    expect(received).toEqual([]);
  });

  test("sends a test at once and says how it went, also while the webhook is disabled", async () => {
    const webhook = await create();
    await api("PUT", `/webhooks/${webhook.id}`, { enabled: false });
    const test = async () => dataOf(await api("POST", `/webhooks/${webhook.id}/test`), webhookDeliverySchema);
    expect(await test()).toMatchObject({ state: "delivered", status: 200, type: "webhook.test" });
    expect(isSigned((received as [Received])[0], webhook.secret)).toBe(true);
    answers[webhook.url] = 404;
    const failed = await test();
    expect(failed).toMatchObject({ state: "failed", status: 404, detail: "It answered with 404." });
    expect((await detailOf(webhook)).deliveries).toHaveLength(2);
  });

  test("keeps no more deliveries than it says", async () => {
    const webhook = await create();
    const { webhookDeliveries } = tenantDb(env.DB, person.organizationId);
    const begun = Date.now();
    for (let i = 0; i < WEBHOOK_DELIVERIES_MAX + 3; i++) {
      const notification = { id: newId("notification"), type: "webhook.test", subject: String(i) };
      const outcome = { state: "delivered", status: 200, detail: "", nextAttemptAt: undefined } as const;
      const at = new Date(begun + i);
      await webhookDeliveries.record({ webhookId: webhook.id, notification, ...outcome, at });
    }
    const { deliveries } = await detailOf(webhook);
    expect(deliveries).toHaveLength(WEBHOOK_DELIVERIES_MAX);
    expect(deliveries.at(-1)?.subject).toBe("3");
    const { results } = await env.DB.prepare("SELECT id FROM webhook_deliveries WHERE webhook_id = ?")
      .bind(webhook.id)
      .all();
    expect(results).toHaveLength(WEBHOOK_DELIVERIES_MAX);
  });

  test("has room for so many webhooks", async () => {
    for (let i = 0; i < WEBHOOKS_MAX; i++) await create();
    const url = "https://example.com/";
    const answer = await api("POST", "/webhooks", { name: "x", url, events: ["execution.finished"] });
    const problem = problemSchema.parse(answer.json);
    expect([answer.status, problem.code]).toEqual([409, "conflict"]);
    expect(problem.detail).toContain(`${WEBHOOKS_MAX} webhooks`);
  });

  test.each([
    [{}, "name"],
    [{ name: "x", url: "https://example.com/", events: [] }, "choose at least one event"],
    [{ name: "x", url: "https://example.com/", events: ["webhook.test"] }, "execution.finished"],
    [{ name: "", url: "https://example.com/", events: ["agent.revoked"] }, "give the webhook a name"],
  ])("says what is wrong with %j", async (body, words) => {
    const answer = await api("POST", "/webhooks", body);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(words);
  });
});
