import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { base64url } from "jose";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { executionSummarySchema } from "#protocol/api/executions.ts";
import {
  type Agent,
  agentSchema,
  joinTokenCreatedSchema,
  joinTokenSchema,
  poolSchema,
} from "#protocol/api/pools.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { AGENT_PATHS, enrollResponseSchema } from "#protocol/assertion.ts";
import { sha256Hex } from "#protocol/digest.ts";
import { problemSchema } from "#protocol/errors.ts";
import { newId } from "#protocol/ids.ts";
import { HEARTBEAT_TIMEOUT_MS } from "#protocol/limits.ts";
import { SUBPROTOCOL } from "#protocol/version.ts";
import {
  assertionOf,
  dial,
  enroll,
  makeEnrolledAgent,
  makeJoinToken,
  makeKeyPair,
  type TestAgent,
} from "./enrolledAgent.ts";
import { type Answer, call, dataOf, type Person, request, signUp } from "./harness.ts";
import { connectAgent, poolOf } from "./scriptedAgent.ts";

let person: Person;
let poolId: string;
beforeAll(async () => {
  person = await signUp();
  poolId = dataOf(await call("/api/v1/pools", person), z.array(poolSchema))[0]?.id ?? "";
});

const problemOf = (answer: Answer) => problemSchema.parse(answer.json);

const makeToken = (wish?: Record<string, unknown>) => makeJoinToken(person, { poolId, ...wish });
const makeAgent = () => makeEnrolledAgent(person);

/** The newest join token, as lists show it. */
async function newestToken() {
  const [token] = dataOf(await call("/api/v1/join-tokens", person), z.array(joinTokenSchema));
  if (!token) throw new Error("there is no token");
  return token;
}

describe("[S4] enrolling", () => {
  test("makes an agent in the token's pool, with the fingerprint of its key", async () => {
    const agent = await makeAgent();
    expect(agent).toMatchObject({ poolId, poolName: "default", organizationId: person.organizationId });
    const seen = dataOf(await call(`/api/v1/agents/${agent.agentId}`, person), agentSchema);
    const raw = new Uint8Array(base64url.decode(agent.publicKey));
    expect(seen).toMatchObject({ name: "db-1", labels: { role: "db" }, fingerprint: await sha256Hex(raw) });
    expect(seen.presence).toBeUndefined();
  });

  test.each([
    [1, 10],
    [3, 20],
  ])("a token of %i uses lets in as many of %i machines that race with it", async (uses, machines) => {
    const token = await makeToken({ uses });
    const answers = await Promise.all(
      Array.from({ length: machines }, async () => enroll(token, (await makeKeyPair()).publicKey)),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([
      ...Array(uses).fill(201),
      ...Array(machines - uses).fill(401),
    ]);
    const refused = answers.find((answer) => answer.status === 401);
    expect(refused && problemOf(refused).detail).toContain("used up");
    const { usesLeft, joined } = await newestToken();
    expect([usesLeft, joined.map(({ name }) => name)]).toEqual([0, Array(uses).fill("db-1")]);
  });

  test("of one key that asks many times at once uses a token up once", async () => {
    const token = await makeToken({ uses: 3 });
    const { publicKey } = await makeKeyPair();
    const answers = await Promise.all(Array.from({ length: 8 }, () => enroll(token, publicKey)));
    const ids = answers.map((answer) => dataOf(answer, enrollResponseSchema).agentId);
    expect(new Set(ids).size).toBe(1);
    expect((await newestToken()).usesLeft).toBe(2);
  });

  test("the labels of a token are the agent's, whatever its host says", async () => {
    const token = await makeToken({ labels: { role: "web", region: "eu" } });
    const { publicKey } = await makeKeyPair();
    const answer = await enroll(token, publicKey, { labels: { role: "db", rack: "7" } });
    const labels = { role: "web", region: "eu", rack: "7" };
    const enrolled = dataOf(answer, enrollResponseSchema);
    expect(enrolled.labels).toEqual(labels);
    expect(dataOf(await call(`/api/v1/agents/${enrolled.agentId}`, person), agentSchema).labels).toEqual(
      labels,
    );
  });

  test("what agents find out about their hosts is no label that a host gives itself", async () => {
    const { publicKey } = await makeKeyPair();
    const answer = await enroll(await makeToken(), publicKey, { labels: { "host.os": "x" } });
    expect([answer.status, problemOf(answer).detail]).toEqual([400, expect.stringContaining("host.")]);
  });

  test.each([
    [{ uses: 0 }, "uses"],
    [{ uses: 1_001 }, "uses"],
    [{ expiresInSeconds: 901 }, "at most 900 s"],
    [{ uses: 2, expiresInSeconds: 86_401 }, "expiresInSeconds"],
    [{ labels: { "": "x" } }, "labels"],
    [{ labels: { "host.os": "x" } }, "labels that begin with host. are what agents find out"],
  ])("a token of %j is refused", async (wish, words) => {
    const answer = await call("/api/v1/join-tokens", { method: "POST", key: person.key, body: wish });
    expect([answer.status, problemOf(answer).code]).toEqual([400, "invalid_request"]);
    expect(JSON.stringify(answer.json)).toContain(words);
  });

  test("again with the same key, because the answer was lost, tells the same", async () => {
    const token = await makeToken();
    const { publicKey } = await makeKeyPair();
    const [first, second] = [await enroll(token, publicKey), await enroll(token, publicKey)];
    expect(dataOf(second, enrollResponseSchema)).toEqual(dataOf(first, enrollResponseSchema));
  });

  test("with an expired, an unknown or a mistyped token is refused in words, and makes no agent", async () => {
    const { publicKey } = await makeKeyPair();
    const expired = await makeToken();
    await env.DB.prepare("UPDATE join_tokens SET expires_at = 1 WHERE hash = ?")
      .bind(await sha256Hex(expired))
      .run();
    const removed = await makeToken();
    await env.DB.prepare("DELETE FROM join_tokens WHERE hash = ?")
      .bind(await sha256Hex(removed))
      .run();
    const before = await env.DB.prepare("SELECT count(*) AS n FROM agents").first("n");
    for (const [token, words] of [
      [expired, "expired"],
      [removed, "no such"],
      [`${removed.slice(0, -1)}!`, "mistyped"],
      [person.key, "another kind of key"],
      ["", "mistyped"],
    ] as const) {
      const answer = await enroll(token, publicKey);
      expect([answer.status, problemOf(answer).code]).toEqual([401, "invalid_join_token"]);
      expect(problemOf(answer).detail).toContain(words);
    }
    expect(await env.DB.prepare("SELECT count(*) AS n FROM agents").first("n")).toBe(before);
  });

  test.each([[{ publicKey: "short" }], [{ name: "" }], [{ labels: { x: 1 } }], [{ unknown: true }]])(
    "with a body that does not fit is a 400: %j",
    async (more) => {
      const { publicKey } = await makeKeyPair();
      const answer = await enroll(await makeToken(), publicKey, more);
      expect([answer.status, problemOf(answer).code]).toEqual([400, "invalid_request"]);
    },
  );

  test("a token is for the pool called default when none is named, and refused when there is none", async () => {
    const answer = await call("/api/v1/join-tokens", { method: "POST", key: person.key });
    expect(dataOf(answer, joinTokenCreatedSchema).poolId).toBe(poolId);
    const other = await signUp();
    await env.DB.prepare("UPDATE pools SET name = 'other' WHERE organization_id = ?")
      .bind(other.organizationId)
      .run();
    const refused = await call("/api/v1/join-tokens", { method: "POST", key: other.key, body: {} });
    expect([refused.status, problemOf(refused).code]).toEqual([422, "no_such_pool"]);
    expect(problemOf(refused).detail).toContain('say which with "poolId"');
  });

  test("a token is for a pool of one's own, shown once, and lets nobody in once it was taken back", async () => {
    const foreign = await signUp();
    const answer = await call("/api/v1/join-tokens", { method: "POST", key: foreign.key, body: { poolId } });
    expect([answer.status, problemOf(answer).code]).toEqual([422, "no_such_pool"]);
    const body = { poolId, uses: 2, expiresInSeconds: 3_600 };
    const made = dataOf(
      await call("/api/v1/join-tokens", { method: "POST", key: person.key, body }),
      joinTokenCreatedSchema,
    );
    const list = await call("/api/v1/join-tokens", person);
    expect(list.text).not.toContain(made.token);
    expect(dataOf(list, z.array(joinTokenSchema))[0]?.id).toBe(made.id);
    const joined = await makeKeyPair();
    expect((await enroll(made.token, joined.publicKey)).status).toBe(201);
    const remove = () => call(`/api/v1/join-tokens/${made.id}`, { method: "DELETE", key: person.key });
    expect([(await remove()).status, (await remove()).status]).toEqual([200, 200]);
    const refused = await enroll(made.token, (await makeKeyPair()).publicKey);
    expect([refused.status, problemOf(refused).detail]).toEqual([401, expect.stringContaining("taken back")]);
    // Who came in before stays, and may still ask for an answer that was lost.
    expect((await enroll(made.token, joined.publicKey)).status).toBe(201);
    expect(await newestToken()).toMatchObject({ usesLeft: 1, revokedAt: expect.any(String) });
    const none = await call(`/api/v1/join-tokens/${newId("joinToken")}`, {
      method: "DELETE",
      key: person.key,
    });
    expect(none.status).toBe(404);
  });
});

describe("[HS1] the handshake", () => {
  test("is answered with the subprotocol", async () => {
    const agent = await makeAgent();
    const answer = await dial(AGENT_PATHS.control, await assertionOf(agent));
    expect(answer.status).toBe(101);
    expect(answer.headers.get("sec-websocket-protocol")).toBe(SUBPROTOCOL);
    answer.webSocket?.accept();
    answer.webSocket?.close();
  });

  test("without an upgrade, or with another subprotocol, is refused in words", async () => {
    const agent = await makeAgent();
    const assertion = await assertionOf(agent);
    const plain = await call(AGENT_PATHS.control, { headers: { authorization: `Bearer ${assertion}` } });
    expect([plain.status, problemOf(plain).code]).toEqual([426, "upgrade_required"]);
    expect(problemOf(plain).detail).toContain("proxy");
    const other = await dial(AGENT_PATHS.control, assertion, { "sec-websocket-protocol": "farhand.v9" });
    const { status, code, detail } = problemSchema.parse(await other.json());
    expect([status, code]).toEqual([426, "version_unsupported"]);
    expect(detail).toContain("farhand.v9");
    const none = await request(AGENT_PATHS.control, {
      headers: { upgrade: "websocket", authorization: `Bearer ${assertion}` },
    });
    expect(none.status).toBe(400);
  });
});

describe("[HS2] the assertion", () => {
  const refusedWith = async (response: Response) => {
    const problem = problemSchema.parse(await response.json());
    return [response.status, problem.code, problem.detail] as const;
  };
  const now = () => Math.floor(Date.now() / 1000);

  test.each<[string, (agent: TestAgent) => Promise<string>, string]>([
    ["for another path", (agent) => assertionOf(agent, { path: "/agent/v1/other" }), "signed"],
    [
      "for another server",
      (agent) => assertionOf(agent, { audience: "https://evil.example/agent/v1/control" }),
      "signed",
    ],
    [
      "signed by another key",
      async (agent) => assertionOf(agent, { key: (await makeKeyPair()).privateKey }),
      "signed",
    ],
    [
      "signed HS256 with the public key",
      (agent) =>
        assertionOf(agent, { alg: "HS256", key: new TextEncoder().encode(agent.publicKey.padEnd(64, "x")) }),
      "signed",
    ],
    ["for an agent nobody knows", (agent) => assertionOf(agent, { sub: newId("agent") }), "not known"],
    ["good for an hour", (agent) => assertionOf(agent, { exp: now() + 3600 }), "within 60 s"],
    ["from an hour ago", (agent) => assertionOf(agent, { iat: now() - 3600 }), "behind"],
    ["from an hour ahead", (agent) => assertionOf(agent, { iat: now() + 3600 }), "ahead"],
    ["that is no JWT", async () => "nonsense", "not a JWT"],
    ["without a signature", async (agent) => (await assertionOf(agent)).replace(/\.[^.]*$/, "."), "signed"],
    [
      "with alg none",
      async (agent) => {
        const [, payload] = (await assertionOf(agent)).split(".");
        return `${base64url.encode('{"alg":"none"}')}.${payload}.`;
      },
      "signed",
    ],
  ])("%s is refused", async (_, make, words) => {
    const agent = await makeAgent();
    const [status, code, detail] = await refusedWith(await dial(AGENT_PATHS.control, await make(agent)));
    expect([status, code]).toEqual([401, "invalid_assertion"]);
    expect(detail).toContain(words);
  });

  test("is good once: a repeat is refused before the upgrade", async () => {
    const agent = await makeAgent();
    const started = await call("/api/v1/runbooks", {
      method: "POST",
      key: person.key,
      body: { source: "# Look\n\n```bash\nuptime\n```\n" },
    });
    const { id } = dataOf(started, runbookSchema);
    const run = await call(`/api/v1/runbooks/${id}/executions`, { method: "POST", key: person.key });
    const execution = dataOf(run, executionSummarySchema);
    for (const path of [AGENT_PATHS.control, AGENT_PATHS.execution(execution.id)]) {
      const assertion = await assertionOf(agent, { path });
      const first = await dial(path, assertion);
      expect([path, first.status]).toEqual([path, 101]);
      first.webSocket?.accept();
      first.webSocket?.close();
      const [status, code, detail] = await refusedWith(await dial(path, assertion));
      expect([path, status, code]).toEqual([path, 401, "invalid_assertion"]);
      expect(detail).toContain("used");
    }
    await call(`/api/v1/executions/${execution.id}/cancel`, { method: "POST", key: person.key });
  });

  test("a clock that is 20 s off does no harm", async () => {
    const agent = await makeAgent();
    for (const skew of [-75, 20]) {
      const answer = await dial(AGENT_PATHS.control, await assertionOf(agent, { iat: now() + skew }));
      expect([skew, answer.status]).toEqual([skew, 101]);
      answer.webSocket?.accept();
      answer.webSocket?.close();
    }
  });

  test("is the only thing that says who is calling: a forged header is not passed on", async () => {
    const agent = await makeAgent();
    const victim = await makeAgent();
    const forged = JSON.stringify({ agentId: victim.agentId, organizationId: "org_x", poolId: "pool_x" });
    const answer = await dial(AGENT_PATHS.control, await assertionOf(agent), { "x-farhand-agent": forged });
    expect(answer.status).toBe(101);
    answer.webSocket?.accept();
    answer.webSocket?.close();
    const noAssertion = await request(AGENT_PATHS.control, {
      headers: { upgrade: "websocket", "sec-websocket-protocol": SUBPROTOCOL, "x-farhand-agent": forged },
    });
    expect(noAssertion.status).toBe(401);
  });

  test("[S4] of a revoked agent is refused, and its open socket ends", async () => {
    const agent = await makeAgent();
    const { webSocket } = await dial(AGENT_PATHS.control, await assertionOf(agent));
    webSocket?.accept();
    const closed = new Promise<number>((resolve) => {
      webSocket?.addEventListener("close", (event) => resolve(event.code));
    });
    const revoke = () => call(`/api/v1/agents/${agent.agentId}`, { method: "DELETE", key: person.key });
    expect((await revoke()).status).toBe(200);
    expect(await closed).toBe(4403);
    const again = await dial(AGENT_PATHS.control, await assertionOf(agent));
    const [status, code] = await refusedWith(again);
    expect([status, code]).toEqual([403, "agent_revoked"]);
    expect((await revoke()).status).toBe(200);
    const seen: Agent = dataOf(await call(`/api/v1/agents/${agent.agentId}`, person), agentSchema);
    expect(seen.revokedAt).toBeDefined();
  });

  test("[S5] opens no execution that is not there or not in its organization", async () => {
    const agent = await makeAgent();
    for (const id of [newId("execution"), "exe_x", "..%2f"]) {
      const path = AGENT_PATHS.execution(id);
      const answer = await dial(path, await assertionOf(agent, { path }));
      expect([id, answer.status]).toEqual([id, 404]);
    }
  });
});

describe("presence", () => {
  test("is what the agent told its pool, until it goes away", async () => {
    const agent = await makeAgent();
    const { webSocket } = await dial(AGENT_PATHS.control, await assertionOf(agent));
    webSocket?.accept();
    webSocket?.send(
      JSON.stringify({
        type: "hello",
        protocol: { min: 1, max: 1 },
        agentVersion: "0.1.0",
        hostname: "db-1.local",
        os: "linux",
        arch: "x64",
        labels: {},
        slots: 2,
        draining: false,
        policy: { digest: "a".repeat(64) },
        leases: [],
      }),
    );
    const presence = async () => {
      const agents = dataOf(await call("/api/v1/agents", person), z.array(agentSchema));
      return agents.find((each) => each.id === agent.agentId)?.presence;
    };
    await expect.poll(presence).toMatchObject({
      ...{ hostname: "db-1.local", slots: 2, busySlots: 0, policyDigest: "a".repeat(64) },
    });
    webSocket?.close();
    await expect.poll(presence).toBeUndefined();
  });

  test("comes with what the agent found on its host, and, once it is away, since when", async () => {
    const place = await makeAgent();
    const read = async () => dataOf(await call(`/api/v1/agents/${place.agentId}`, person), agentSchema);
    expect(await read()).not.toHaveProperty("hostLabels");
    expect(await read()).not.toHaveProperty("lastSeenAt");

    const found = { "host.os": "linux", "host.tool.git": "yes" };
    const control = await connectAgent(place, { labels: { role: "forged", ...found } });
    expect(await read()).toMatchObject({ presence: {}, labels: { role: "db" }, hostLabels: found });
    expect(await read()).not.toHaveProperty("lastSeenAt");

    const before = Date.now();
    control.socket.close(1000, "done");
    await expect.poll(async () => (await read()).lastSeenAt).toBeDefined();
    const away = await read();
    expect(away.hostLabels).toEqual(found);
    expect(Date.parse(away.lastSeenAt ?? "")).toBeGreaterThanOrEqual(before);
    expect(Date.parse(away.lastSeenAt ?? "")).toBeLessThanOrEqual(Date.now());
  });

  test("that fell silent counts up to the last that was heard of it", async () => {
    const place = await makeAgent();
    const before = Date.now();
    await connectAgent(place);
    const after = Date.now();
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    vi.setSystemTime(after + HEARTBEAT_TIMEOUT_MS + 60_000);
    await runDurableObjectAlarm(poolOf(place));
    const away = dataOf(await call(`/api/v1/agents/${place.agentId}`, person), agentSchema);
    expect(away.presence).toBeUndefined();
    expect(Date.parse(away.lastSeenAt ?? "")).toBeGreaterThanOrEqual(before);
    expect(Date.parse(away.lastSeenAt ?? "")).toBeLessThanOrEqual(after);
  });
});

describe("pools", () => {
  test("have unique names, and count their agents", async () => {
    const create = () =>
      call("/api/v1/pools", { method: "POST", key: person.key, body: { name: "prod-eu" } });
    expect((await create()).status).toBe(201);
    const again = await create();
    expect([again.status, problemOf(again).code]).toEqual([409, "conflict"]);
    const pools = dataOf(await call("/api/v1/pools", person), z.array(poolSchema));
    expect(pools.map((pool) => pool.name)).toEqual(["default", "prod-eu"]);
    expect(pools[1]?.agentCount).toBe(0);
    expect(pools[0]?.agentCount).toBeGreaterThan(0);
  });
});
