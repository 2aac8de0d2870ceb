import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { agentSchema } from "#protocol/api/pools.ts";
import { AGENT_PATHS, KEY_OVERLAP_MS } from "#protocol/assertion.ts";
import { problemSchema } from "#protocol/errors.ts";
import { OrganizationFeed } from "../../worker/feed/OrganizationFeed.ts";
import { poolObjectName } from "../../worker/pool/contract.ts";
import { TELL_AGAIN_MS } from "../../worker/pool/deadlines.ts";
import { assertionOf, dial, makeEnrolledAgent, makeKeyPair, type TestAgent } from "./enrolledAgent.ts";
import { faultyQueue } from "./faultyQueue.ts";
import { call, dataOf, ORIGIN, type Person, request, signUp } from "./harness.ts";
import { Line } from "./scriptedAgent.ts";

let person: Person;
beforeAll(async () => {
  person = await signUp();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const seen = async ({ agentId }: TestAgent) =>
  dataOf(await call(`/api/v1/agents/${agentId}`, person), agentSchema);

/** Dials the control socket and hangs up; the status, and the code and words of a refusal. */
async function tryToConnect(agent: TestAgent, options: Parameters<typeof assertionOf>[1] = {}) {
  const answer = await dial(AGENT_PATHS.control, await assertionOf(agent, options));
  answer.webSocket?.accept();
  answer.webSocket?.close();
  if (answer.status === 101) return { status: 101, code: undefined, detail: "" };
  const { code, detail } = problemSchema.parse(await answer.json());
  return { status: answer.status, code, detail };
}

/** Has the index take a pool's note of a quarantine only when it is told to go on, which resolves when it has. */
async function slowQuarantine(pool: DurableObjectStub<undefined>) {
  const [reached, opened, written] = [0, 1, 2].map(() => Promise.withResolvers<void>());
  await runInDurableObject(pool, (instance) => {
    const { DB } = Reflect.get(instance, "env") as typeof env;
    const prepare = DB.prepare.bind(DB);
    vi.spyOn(DB, "prepare").mockImplementation((query) => {
      const statement = prepare(query);
      if (!/^update "agents" set "quarantined_at" = \? where .* is null/.test(query)) return statement;
      const bind = statement.bind.bind(statement);
      statement.bind = (...values) => {
        const bound = bind(...values);
        const run = bound.run.bind(bound);
        bound.run = async <T>() => {
          reached?.resolve();
          await opened?.promise;
          const result = await run<T>();
          written?.resolve();
          return result;
        };
        return bound;
      };
      return statement;
    });
  });
  const goOn = async () => {
    opened?.resolve();
    await written?.promise;
  };
  return { isNoting: reached?.promise, goOn };
}

describe("[HS5] two machines with one key", () => {
  const connect = async (agent: TestAgent, counter: number): Promise<Line> => {
    const { webSocket } = await dial(AGENT_PATHS.control, await assertionOf(agent, { counter }));
    if (!webSocket) throw new Error("not let in");
    const line = new Line(webSocket);
    line.send({
      ...{
        type: "hello",
        protocol: { min: 1, max: 1 },
        agentVersion: "0",
        hostname: "h",
        os: "l",
        arch: "x",
      },
      ...{ labels: {}, slots: 1, draining: false, leases: [] },
    });
    await line.next("welcome");
    return line;
  };

  test("[fault 22] are both stopped, the organization is told, and a person releases the agent", async () => {
    const agent = await makeEnrolledAgent(person);
    const socket = await request("/api/v1/feed", {
      ...{ cookie: person.cookie, headers: { upgrade: "websocket", origin: ORIGIN } },
    });
    if (!socket.webSocket) throw new Error("no feed");
    const feed = new Line(socket.webSocket);
    // A copy was made at 4; one of them has come as far as 6.
    await connect(agent, 4);
    const original = await connect(agent, 6);
    const copy = await tryToConnect(agent, { counter: 6 });
    expect(copy).toMatchObject({ status: 403, code: "agent_quarantined" });
    expect(copy.detail).toContain("copy");
    expect((await original.end()).code).toBe(4423);
    const told = await feed.next("agent.quarantined");
    expect(told).toMatchObject({ agentId: agent.agentId, name: "db-1" });
    await expect.poll(async () => (await seen(agent)).quarantinedAt).toBeDefined();
    for (const counter of [7, 8]) {
      expect(await tryToConnect(agent, { counter })).toMatchObject({
        status: 403,
        code: "agent_quarantined",
      });
    }
    const path = `/api/v1/agents/${agent.agentId}/release`;
    const release = () => call(path, { method: "POST", key: person.key });
    expect([(await release()).status, (await release()).status]).toEqual([200, 200]);
    expect((await seen(agent)).quarantinedAt).toBeUndefined();
    // Restored from a backup: it counts from further back, and is believed.
    await connect(agent, 5);
    expect((await tryToConnect(agent, { counter: 5 })).code).toBe("agent_quarantined");
    // The index loses it: the pool keeps it out all the same, and it is noted again.
    await env.DB.prepare("UPDATE agents SET quarantined_at = NULL WHERE id = ?").bind(agent.agentId).run();
    expect((await tryToConnect(agent, { counter: 9 })).code).toBe("agent_quarantined");
    await expect.poll(async () => (await seen(agent)).quarantinedAt).toBeDefined();
  });

  test("[fault 22] are told of until the queue, the feed and the index have taken it, as one thing", async () => {
    const agent = await makeEnrolledAgent(person);
    const pool = env.AGENT_POOL.getByName(poolObjectName(agent.organizationId, agent.poolId));
    let feedFails = true;
    // The queue is away, then the feed is, then the answer is lost, then all is well.
    const sent = await faultyQueue(pool, 3);
    vi.spyOn(OrganizationFeed.prototype, "publish").mockImplementation(async ({ type }) => {
      if (type !== "agent.quarantined" || sent.length !== 2 || !feedFails) return;
      feedFails = false;
      throw new Error("the feed is away");
    });
    await connect(agent, 1);
    expect((await tryToConnect(agent, { counter: 1 })).code).toBe("agent_quarantined");
    for (let tries = 1; tries <= 3; tries++) {
      await expect.poll(() => sent.length).toBe(tries);
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + TELL_AGAIN_MS });
      await expect.poll(() => runDurableObjectAlarm(pool).then(() => sent.length)).toBe(tries + 1);
    }
    expect(feedFails).toBe(false);
    expect(new Set(sent.map((message) => JSON.stringify(message))).size).toBe(1);
    const at = (await seen(agent)).quarantinedAt;
    expect(sent[0]).toMatchObject({ event: { type: "agent.quarantined", timestamp: at } });
    // It has arrived: the alarm does not tell it again.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * TELL_AGAIN_MS });
    await runDurableObjectAlarm(pool);
    expect(sent).toHaveLength(4);
  });

  test("a release counts also while the quarantine is still being noted", async () => {
    const agent = await makeEnrolledAgent(person);
    const pool = env.AGENT_POOL.getByName(poolObjectName(agent.organizationId, agent.poolId));
    const { isNoting, goOn } = await slowQuarantine(pool);
    await connect(agent, 1);
    expect((await tryToConnect(agent, { counter: 1 })).code).toBe("agent_quarantined");
    await isNoting;
    const released = call(`/api/v1/agents/${agent.agentId}/release`, { method: "POST", key: person.key });
    const noted = () =>
      runInDurableObject(pool, (_, { storage }) =>
        storage.sql.exec("SELECT 1 FROM quarantines WHERE agent_id = ?", agent.agentId).toArray(),
      );
    await expect.poll(noted).toEqual([]);
    // A release that does not wait arrives in the meantime.
    for (let looks = 0; looks < 5; looks++) await seen(agent);
    await goOn();
    expect((await released).status).toBe(200);
    expect((await seen(agent)).quarantinedAt).toBeUndefined();
    expect((await tryToConnect(agent, { counter: 2 })).status).toBe(101);
  });

  test("a try that was overtaken by the next one is refused, and stops nobody", async () => {
    const agent = await makeEnrolledAgent(person);
    const line = await connect(agent, 2);
    const iat = Math.floor(Date.now() / 1000) - 5;
    expect(await tryToConnect(agent, { counter: 1, iat })).toMatchObject({
      status: 401,
      code: "invalid_assertion",
    });
    expect(line.closed).toBeUndefined();
    expect((await tryToConnect(agent, { counter: 3 })).status).toBe(101);
  });

  test("who has counted once has to go on counting", async () => {
    const agent = await makeEnrolledAgent(person);
    expect((await tryToConnect(agent)).status).toBe(101);
    await connect(agent, 1);
    const refused = await tryToConnect(agent);
    expect([refused.status, refused.detail]).toEqual([401, expect.stringContaining("counted")]);
  });

  test.each([0, -1, 1.5, 2 ** 53])("a counter of %d is no counter", async (counter) => {
    const agent = await makeEnrolledAgent(person);
    expect((await tryToConnect(agent, { counter })).code).toBe("invalid_assertion");
  });
});

describe("[S4] [HS6] a new key", () => {
  const path = AGENT_PATHS.rotateKey;

  async function propose(agent: TestAgent, next: Awaited<ReturnType<typeof makeKeyPair>>, options = {}) {
    const { key, newKey, proofBy } = {
      ...{ key: agent.privateKey, newKey: next.publicKey, proofBy: next.privateKey },
      ...options,
    };
    return call(path, {
      method: "POST",
      body: { publicKey: next.publicKey, proof: await assertionOf(agent, { path, key: proofBy }) },
      headers: {
        authorization: `Bearer ${await assertionOf(agent, { path, key, newKey })}`,
        "cf-connecting-ip": crypto.randomUUID(),
      },
    });
  }

  test("takes the place of the old one with its first use, however often it was proposed", async () => {
    const agent = await makeEnrolledAgent(person);
    const next = await makeKeyPair();
    const before = await seen(agent);
    expect([(await propose(agent, next)).status, (await propose(agent, next)).status]).toEqual([200, 200]);
    expect((await tryToConnect(agent)).status).toBe(101);
    expect((await seen(agent)).fingerprint).toBe(before.fingerprint);
    expect((await tryToConnect(agent, { key: next.privateKey })).status).toBe(101);
    expect((await seen(agent)).fingerprint).not.toBe(before.fingerprint);
    expect(await tryToConnect(agent)).toMatchObject({ status: 401, code: "invalid_assertion" });
    expect((await tryToConnect(agent, { key: next.privateKey })).status).toBe(101);
    // The answer to the proposal was lost, and the agent proposes it again with the key that is its own by now.
    expect((await propose(agent, next, { key: next.privateKey })).status).toBe(200);
    expect((await tryToConnect(agent, { key: next.privateKey })).status).toBe(101);
  });

  test("gives whoever saw it proposed nothing, by sending the same again", async () => {
    const agent = await makeEnrolledAgent(person);
    const next = await makeKeyPair();
    const proof = await assertionOf(agent, { path, key: next.privateKey });
    const send = async (assertion: string, publicKey = next.publicKey) => {
      const headers = { authorization: `Bearer ${assertion}`, "cf-connecting-ip": crypto.randomUUID() };
      return (await call(path, { method: "POST", body: { publicKey, proof }, headers })).status;
    };
    const assertion = await assertionOf(agent, { path, newKey: next.publicKey });
    const stranger = await makeKeyPair();
    // It is for this key alone, and neither half opens anything else.
    expect(await send(assertion, stranger.publicKey)).toBe(401);
    expect(await send(proof)).toBe(401);
    for (const seen of [assertion, proof]) {
      expect((await dial(AGENT_PATHS.control, seen)).status).toBe(401);
    }
    expect([await send(assertion), await send(assertion)]).toEqual([200, 200]);
    expect((await tryToConnect(agent)).status).toBe(101);
    // The proof alone, in the place of an assertion, makes the agent's new key its own, which is what it asked for.
    expect(await send(proof)).toBe(401);
    expect((await tryToConnect(agent, { key: next.privateKey })).status).toBe(101);
    // From then on the old key has no say.
    expect(await send(assertion)).toBe(401);
    const third = await makeKeyPair();
    const withNext = { ...agent, privateKey: next.privateKey };
    expect((await propose(withNext, third)).status).toBe(200);
    expect(await send(assertion)).toBe(401);
    expect((await tryToConnect(agent, { key: third.privateKey })).status).toBe(101);
  });

  test("leaves the old one good for a day when it is not used", async () => {
    const agent = await makeEnrolledAgent(person);
    const next = await makeKeyPair();
    expect((await propose(agent, next)).status).toBe(200);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + KEY_OVERLAP_MS - 60_000 });
    expect((await tryToConnect(agent)).status).toBe(101);
    vi.setSystemTime(Date.now() + 120_000);
    expect((await tryToConnect(agent)).status).toBe(401);
    expect((await tryToConnect(agent, { key: next.privateKey })).status).toBe(101);
  });

  test("is refused unless both keys have signed for it, and each names what it signs", async () => {
    const agent = await makeEnrolledAgent(person);
    const other = await makeEnrolledAgent(person);
    const next = await makeKeyPair();
    for (const options of [
      { key: next.privateKey },
      { key: other.privateKey },
      { newKey: other.publicKey },
      { newKey: undefined },
      { proofBy: agent.privateKey },
      { proofBy: other.privateKey },
    ]) {
      const answer = await propose(agent, next, options);
      expect([answer.status, problemSchema.parse(answer.json).code]).toEqual([401, "invalid_assertion"]);
    }
    expect((await tryToConnect(agent, { key: next.privateKey })).status).toBe(401);
    const body = { publicKey: next.publicKey, proof: "x" };
    expect((await call(path, { method: "POST", body })).status).toBe(401);
  });

  test("of a revoked agent is refused", async () => {
    const agent = await makeEnrolledAgent(person);
    const next = await makeKeyPair();
    await propose(agent, next);
    await call(`/api/v1/agents/${agent.agentId}`, { method: "DELETE", key: person.key });
    expect((await propose(agent, next)).status).toBe(403);
    expect(await tryToConnect(agent, { key: next.privateKey })).toMatchObject({ code: "agent_revoked" });
  });
});
