/** What an organization is told of, and that it is told: from what happened to the message on the queue. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { executionSchema, executionSummarySchema } from "#protocol/api/executions.ts";
import { joinTokenCreatedSchema, poolSchema } from "#protocol/api/pools.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { webhookDetailSchema, webhookWithSecretSchema } from "#protocol/api/webhooks.ts";
import { AGENT_PATHS, enrollResponseSchema } from "#protocol/assertion.ts";
import { newId } from "#protocol/ids.ts";
import { type Notification, notificationSchema } from "#protocol/notifications.ts";
import { notificationId } from "../../worker/notifications/notify.ts";
import { faultyQueue } from "./faultyQueue.ts";
import { call, dataOf, type Person, signUp } from "./harness.ts";
import { obligingAgent } from "./obligingAgent.ts";
import { coordinatorOf } from "./scriptedAgent.ts";

const RECEIVER = "https://hooks.example.com/";

let person: Person;
let received: { id: string; body: Notification }[];

beforeEach(async () => {
  person = await signUp();
  received = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (_, init) => {
    const id = new Headers(init?.headers).get("webhook-id") ?? "";
    received.push({ id, body: notificationSchema.parse(JSON.parse(String(init?.body))) });
    return new Response(null, { status: 204 });
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const api = (method: string, path: string, body?: unknown) =>
  call(`/api/v1${path}`, { method, key: person.key, body });
const received1 = () => expect.poll(() => received.length, { timeout: 10_000 }).toBe(1);

async function hook(): Promise<string> {
  const events = ["execution.finished", "agent.revoked"];
  const answer = await api("POST", "/webhooks", { name: "test", url: RECEIVER, events });
  return dataOf(answer, webhookWithSecretSchema).id;
}

const delivered = (webhookId: string) =>
  expect
    .poll(async () => dataOf(await api("GET", `/webhooks/${webhookId}`), webhookDetailSchema).deliveries, {
      timeout: 10_000,
    })
    .toMatchObject([{ state: "delivered", attempts: 1 }]);

const stubOf = (id: string) => coordinatorOf({ ...person, poolId: "", agentId: "" }, id);

/** A runbook's execution on an agent that does as it is asked once it is connected. */
async function execution(): Promise<{ id: string; runbookId: string; connect(): Promise<void> }> {
  const source = "---\ntitle: Restart the web servers\n---\n\n```bash {name=job}\necho secret output\n```\n";
  const { id: runbookId } = dataOf(await api("POST", "/runbooks", { source }), runbookSchema);
  const [pool] = dataOf(await api("GET", "/pools"), z.array(poolSchema));
  const answer = await api("POST", `/runbooks/${runbookId}/executions`, {});
  const { organizationId } = person;
  const place = { organizationId, poolId: pool?.id ?? "", agentId: newId("agent") };
  const connect = async () => void (await obligingAgent(place, () => ({ text: "secret output\n" })));
  return { id: dataOf(answer, executionSummarySchema).id, runbookId, connect };
}

const ended = (id: string) =>
  expect
    .poll(async () => dataOf(await api("GET", `/executions/${id}`), executionSchema).state)
    .toBe("succeeded");

describe("the end of an execution", () => {
  test("is told, with how it ended and where to look", async () => {
    const webhookId = await hook();
    const { id, runbookId, connect } = await execution();
    await connect();
    await received1();
    const [message] = received;
    const { finishedAt, durationMs } = dataOf(await api("GET", `/executions/${id}`), executionSchema);
    expect(message?.body).toEqual({
      type: "execution.finished",
      timestamp: finishedAt,
      data: {
        executionId: id,
        runbookId,
        title: "Restart the web servers",
        state: "succeeded",
        confirmed: true,
        durationMs,
        trigger: { type: "api_key" },
        url: `https://farhand.test/executions/${id}`,
      },
    });
    await delivered(webhookId);
  });

  test("[fault 39] is put onto the queue until it is there, and arrives once under one id", async () => {
    const webhookId = await hook();
    const { id, connect } = await execution();
    // It fails once, then its answer is lost, then all is well.
    const sent = await faultyQueue(stubOf(id), 2);
    await connect();
    await ended(id);
    for (const failures of [1, 2]) {
      await expect.poll(() => sent.length).toBe(failures);
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 10_000 });
      await expect.poll(() => runDurableObjectAlarm(stubOf(id)).then(() => sent.length)).toBe(failures + 1);
    }
    vi.useRealTimers();
    await delivered(webhookId);
    expect(new Set(sent.map((message) => JSON.stringify(message))).size).toBe(1);
    const [message, ...others] = received;
    if (!message) throw new Error("nothing was received");
    expect(message.id).toBe(await notificationId(person.organizationId, message.body));
    expect(others).toEqual([]);
    // Enough: it is not told again.
    await runDurableObjectAlarm(stubOf(id));
    expect(sent).toHaveLength(3);
  });
});

test("[fault 39] a revoked agent is told of, and once when the revocation is repeated", async () => {
  const webhookId = await hook();
  const [pool] = dataOf(await api("GET", "/pools"), z.array(poolSchema));
  const { token } = dataOf(await api("POST", "/join-tokens", { poolId: pool?.id }), joinTokenCreatedSchema);
  const { publicKey } = (await crypto.subtle.generateKey("Ed25519", true, ["sign"])) as CryptoKeyPair;
  const jwk = (await crypto.subtle.exportKey("jwk", publicKey)) as JsonWebKey;
  const body = { joinToken: token, publicKey: jwk.x, name: "web-1", labels: {}, agentVersion: "0" };
  const enrolled = await call(AGENT_PATHS.enroll, { method: "POST", body });
  const { agentId } = dataOf(enrolled, enrollResponseSchema);
  for (let times = 0; times < 2; times++) {
    expect((await api("DELETE", `/agents/${agentId}`)).status).toBe(200);
    await delivered(webhookId);
  }
  expect(received.map(({ body }) => body)).toMatchObject([
    {
      type: "agent.revoked",
      data: {
        agentId,
        name: "web-1",
        poolId: pool?.id,
        detail: "test revoked it.",
        url: "https://farhand.test/agents",
      },
    },
  ]);
});
