/** Sealed secrets on their way: what the control plane keeps of them, and for how long. */

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { agentSchema, joinTokenCreatedSchema, poolSchema } from "#protocol/api/pools.ts";
import { type Secret, secretSchema } from "#protocol/api/secrets.ts";
import { AGENT_PATHS, enrollResponseSchema } from "#protocol/assertion.ts";
import { newId } from "#protocol/ids.ts";
import { COMMAND_RESEND_MS, REQUEST_MAX_BYTES } from "#protocol/limits.ts";
import { SEALED_LIFE_MS } from "#protocol/sealing/envelope.ts";
import { sealingFingerprint } from "#protocol/sealing/keys.ts";
import { call, dataOf, makeKey, type Person, signUp } from "./harness.ts";
import { connectAgent, type Line, type Place, poolOf } from "./scriptedAgent.ts";

let person: Person;
beforeAll(async () => {
  person = await signUp("Ada");
});

const NAME = "db-password";
const SEALING = { publicKey: `${"B".repeat(42)}A`, signature: "A".repeat(86) };
const api = (method: string, path: string, body?: unknown, key = person.key) =>
  call(`/api/v1${path}`, { method, key, body });
const look = async (name = NAME): Promise<Secret> =>
  dataOf(await api("GET", `/secrets/${name}`), secretSchema);

let clock = Date.now();
/** Ciphertext as far as anybody here can tell; later each time. */
const envelope = (text = crypto.randomUUID().replaceAll("-", "")) => ({
  ...{ version: ++clock, key: "0".repeat(64), sealed: text },
});
type Envelope = ReturnType<typeof envelope>;
const put = (places: Record<string, Envelope>, name = NAME, key = person.key) =>
  api("PUT", `/secrets/${name}`, { envelopes: places }, key);

/** An agent of a pool of its own that has enrolled. */
async function newAgent(of: Person = person): Promise<Place> {
  const name = `p${crypto.randomUUID().slice(0, 8)}`;
  const poolId = dataOf(await api("POST", "/pools", { name }, of.key), poolSchema).id;
  const token = dataOf(await api("POST", "/join-tokens", { poolId }, of.key), joinTokenCreatedSchema).token;
  const { publicKey } = (await crypto.subtle.generateKey("Ed25519", true, ["sign"])) as CryptoKeyPair;
  const { x } = (await crypto.subtle.exportKey("jwk", publicKey)) as JsonWebKey;
  const body = { joinToken: token, publicKey: x, name: "box", labels: {}, agentVersion: "0" };
  const { agentId } = dataOf(await call(AGENT_PATHS.enroll, { method: "POST", body }), enrollResponseSchema);
  return { organizationId: of.organizationId, poolId, agentId };
}

async function connected(more: Record<string, unknown> = {}): Promise<Place & { control: Line }> {
  const place = await newAgent();
  return { ...place, control: await connectAgent(place, { sealing: SEALING, ...more }) };
}

const answer = (control: Line, id: unknown, outcome = "done", detail?: string) =>
  control.send({ type: "secret.answer", id, outcome, detail });

/** All text in the storage of a pool. */
const stored = (place: Place): Promise<string> =>
  runInDurableObject(poolOf(place), (_, { storage }) =>
    JSON.stringify(storage.sql.exec("SELECT * FROM deliveries").toArray()),
  );

/** Moves all that was asked of a pool's agents into the past. */
const age = (place: Place, ms: number): Promise<void> =>
  runInDurableObject(poolOf(place), (_, { storage }) => {
    storage.sql.exec("UPDATE deliveries SET at = at - ?1, sent_at = sent_at - ?1", ms);
  });

describe("a sealed secret", () => {
  test("goes to the agent as it came, and its ciphertext is gone when the agent has answered", async () => {
    const { control, agentId, ...place } = await connected();
    const sealed = envelope();
    const told = dataOf(await put({ [agentId]: sealed }), secretSchema);
    expect(told.deliveries).toMatchObject([
      { agent: { id: agentId, name: "box" }, action: "put", state: "pending", version: sealed.version },
    ]);
    expect(told.deliveries[0]?.actor).toMatchObject({ type: "api_key" });
    const command = await control.next("secret.put");
    expect(command).toMatchObject({ name: NAME, envelope: sealed });
    expect(await stored({ ...place, agentId })).toContain(sealed.sealed);

    answer(control, command.id);
    await expect.poll(async () => (await look()).deliveries[0]?.state).toBe("done");
    expect(await stored({ ...place, agentId })).not.toContain(sealed.sealed);
    for (const path of ["/secrets", `/secrets/${NAME}`, "/credentials", `/agents/${agentId}`, "/agents"]) {
      expect((await api("GET", path)).text).not.toContain(sealed.sealed);
    }
    await api("DELETE", `/agents/${agentId}`);
  });

  test("waits for an agent that is away, and is told again until it is answered [CM1]", async () => {
    const { control, ...place } = await connected();
    control.socket.close();
    await expect.poll(async () => (await poolOf(place).presence())[place.agentId]).toBeUndefined();
    const sealed = envelope();
    await put({ [place.agentId]: sealed });
    const back = await connectAgent(place, { sealing: SEALING });
    const { id } = await back.next("secret.put");
    await age(place, COMMAND_RESEND_MS);
    await runDurableObjectAlarm(poolOf(place));
    expect(await back.next("secret.put", 2)).toMatchObject({ id, envelope: sealed });
    answer(back, id, "refused", "policy.yaml:3 sealed.accept: no");
    await expect
      .poll(async () => (await look()).deliveries[0])
      .toMatchObject({
        ...{ state: "refused", detail: "policy.yaml:3 sealed.accept: no" },
      });
    // The alarm has nothing left to say.
    await runDurableObjectAlarm(poolOf(place));
    expect(back.messages("secret.put")).toHaveLength(2);
    await api("DELETE", `/agents/${place.agentId}`);
  });

  test("is given up after seven days, with its ciphertext", async () => {
    const { control, ...place } = await connected();
    control.socket.close();
    const sealed = envelope();
    await put({ [place.agentId]: sealed });
    await age(place, SEALED_LIFE_MS);
    await runDurableObjectAlarm(poolOf(place));
    expect((await look()).deliveries).toMatchObject([{ state: "expired" }]);
    expect(await stored(place)).not.toContain(sealed.sealed);
    const back = await connectAgent(place, { sealing: SEALING });
    expect(back.messages("secret.put")).toEqual([]);
    await api("DELETE", `/agents/${place.agentId}`);
  });

  test("takes the place of an earlier one that waits, and never that of a later one", async () => {
    const { control, agentId } = await connected();
    const [first, second] = [envelope(), envelope()];
    expect((await put({ [agentId]: first })).status).toBe(200);
    expect((await put({ [agentId]: second })).status).toBe(200);
    // The same again is the same.
    expect((await put({ [agentId]: second })).status).toBe(200);
    const late = await put({ [agentId]: first });
    expect([late.status, late.json]).toMatchObject([
      409,
      { detail: expect.stringContaining("later version") },
    ]);
    const overtaken = await control.next("secret.put");
    answer(control, overtaken.id, "refused", "too late");
    answer(control, (await control.next("secret.put", 2)).id);
    await expect
      .poll(async () => (await look()).deliveries[0])
      .toMatchObject({
        ...{ state: "done", version: second.version },
      });
    await api("DELETE", `/agents/${agentId}`);
  });

  test("is forgotten by all that were sent it, and by nobody else", async () => {
    const one = await connected();
    const two = await connected({ secrets: [{ name: NAME, type: "file" }] });
    expect((await api("DELETE", `/secrets/${NAME}`)).status).toBe(404);
    await put({ [one.agentId]: envelope() });
    answer(one.control, (await one.control.next("secret.put")).id);
    await expect.poll(async () => (await look()).deliveries[0]?.state).toBe("done");
    expect((await api("DELETE", `/secrets/${NAME}`)).status).toBe(200);
    const { id, name } = await one.control.next("secret.remove");
    expect(name).toBe(NAME);
    expect((await look()).deliveries).toMatchObject([{ action: "remove", state: "pending" }]);
    answer(one.control, id);
    await expect.poll(async () => (await look()).deliveries[0]?.state).toBe("done");
    expect(two.control.messages("secret.remove")).toEqual([]);
    await api("DELETE", `/agents/${two.agentId}`);
    // Nobody has it any more.
    expect((await api("GET", `/secrets/${NAME}`)).status).toBe(404);
    await api("DELETE", `/agents/${one.agentId}`);
  });
});

describe("what cannot be sent", () => {
  test.each<[string, (id: string) => unknown, number, string]>([
    ["no envelopes", () => ({ envelopes: {} }), 400, "at least one agent"],
    [
      "a value in the clear",
      (id) => ({ envelopes: { [id]: { ...envelope(), value: "hunter2" } } }),
      400,
      "value",
    ],
    ["plain text", () => ({ value: "hunter2" }), 400, "envelopes"],
    ["no base64url", (id) => ({ envelopes: { [id]: envelope("sealed?") } }), 400, "base64url"],
    ["too long a text", (id) => ({ envelopes: { [id]: envelope("A".repeat(90_000)) } }), 400, "64 KiB"],
    ["too many agents", () => ({ envelopes: many(501) }), 400, "at most 500"],
    [
      "too much at once",
      () => ({ envelopes: many(13, 87_000) }),
      413,
      `${REQUEST_MAX_BYTES / 1024 ** 2} MiB`,
    ],
    ["an agent that is none", () => ({ envelopes: { [newId("agent")]: envelope() } }), 404, "agent"],
  ])("%s", async (_, body, status, words) => {
    const { agentId, ...place } = await connected();
    const refused = await api("PUT", `/secrets/${NAME}`, body(agentId));
    expect([refused.status, refused.text]).toEqual([status, expect.stringContaining(words)]);
    expect(await poolOf({ ...place, agentId }).deliveries()).toEqual({});
  });

  const many = (count: number, length = 8) =>
    Object.fromEntries(Array.from({ length: count }, () => [newId("agent"), envelope("A".repeat(length))]));

  test("anything under what is no name", async () => {
    const refused = await api("PUT", "/secrets/Db%20Password", { envelopes: {} });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining("lower-case")]);
  });

  test("anything to an agent that has told no key, and to those beside it", async () => {
    const [silent, one] = [await newAgent(), await connected()];
    await connectAgent(silent);
    const refused = await put({ [silent.agentId]: envelope() });
    expect([refused.status, refused.text]).toEqual([409, expect.stringContaining("takes no sealed secrets")]);
    expect(await poolOf(silent).deliveries()).toEqual({});
    one.control.socket.close();
  });

  test("anything to a revoked agent, of which nothing is kept", async () => {
    const place = await connected();
    await put({ [place.agentId]: envelope() });
    await api("DELETE", `/agents/${place.agentId}`);
    expect((await put({ [place.agentId]: envelope() })).status).toBe(404);
    expect(await poolOf(place).deliveries()).toEqual({});
    expect(await poolOf(place).sealingKeys()).toEqual({});
  });

  test("more than may wait for one agent", async () => {
    const place = await connected();
    place.control.socket.close();
    const statuses: number[] = [];
    for (let n = 0; n < 50; n++) {
      statuses.push((await put({ [place.agentId]: envelope("A".repeat(87_000)) }, `big-${n}`)).status);
    }
    expect(new Set(statuses)).toEqual(new Set([200, 409]));
    expect(statuses.indexOf(409)).toBeGreaterThan(40);
    await api("DELETE", `/agents/${place.agentId}`);
  });
});

test("[S2] sealing needs its own scope", async () => {
  const { agentId } = await connected();
  const reader = await makeKey({ key: person.key }, ["secrets:read", "agents:write"]);
  expect((await put({ [agentId]: envelope() }, NAME, reader)).status).toBe(403);
  expect((await api("DELETE", `/secrets/${NAME}`, undefined, reader)).status).toBe(403);
});

test("[S5] an agent answers for its own commands alone", async () => {
  const [one, two] = [await connected(), await connected()];
  await put({ [one.agentId]: envelope() });
  const { id } = await one.control.next("secret.put");
  answer(two.control, id);
  // A later frame of the same socket has been handled, so the answer has been too.
  two.control.send({ type: "secrets", secrets: [{ name: "marker", type: "env" }] });
  await expect.poll(async () => Object.values(await poolOf(two).secrets()).flat()).toHaveLength(1);
  expect((await look()).deliveries).toMatchObject([{ state: "pending" }]);
});

test("agents tell the key that is sealed to, also while they are away", async () => {
  const { control, agentId } = await connected();
  const read = async () => dataOf(await api("GET", `/agents/${agentId}`), agentSchema);
  const expected = { ...SEALING, fingerprint: await sealingFingerprint(SEALING.publicKey) };
  expect((await read()).sealing).toEqual(expected);
  control.socket.close();
  await expect.poll(async () => (await read()).presence).toBeUndefined();
  expect(await read()).toMatchObject({ sealing: expected, publicKey: expect.stringMatching(/^[\w-]{43}$/) });
});

test("[S18] no table of D1 has anything of a sealed secret", async () => {
  const { agentId } = await connected();
  const sealed = envelope();
  await put({ [agentId]: sealed }, "canary-name-of-a-secret");
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
  ).all<{ name: string }>();
  for (const { name } of results) {
    const rows = JSON.stringify((await env.DB.prepare(`SELECT * FROM "${name}"`).all()).results);
    expect(rows).not.toContain(sealed.sealed);
    expect(rows).not.toContain("canary-name-of-a-secret");
  }
});
