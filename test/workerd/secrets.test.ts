/** What the control plane knows of secrets: their names, and who holds them. */
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { joinTokenCreatedSchema, poolSchema } from "#protocol/api/pools.ts";
import { previewSchema } from "#protocol/api/previews.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { type Secret, secretSchema } from "#protocol/api/secrets.ts";
import { AGENT_PATHS, enrollResponseSchema } from "#protocol/assertion.ts";
import { SECRETS_TOLD_MAX } from "#protocol/secrets.ts";
import { call, dataOf, makeKey, type Person, signUp } from "./harness.ts";
import { connectAgent, poolOf } from "./scriptedAgent.ts";

let person: Person;
const api = (method: string, path: string, body?: unknown, key = person.key) =>
  call(`/api/v1${path}`, { method, key, body });
const list = async (key?: string): Promise<Secret[]> =>
  dataOf(await api("GET", "/secrets", undefined, key), z.array(secretSchema));

async function newPool(name: string, of: Person = person): Promise<string> {
  return dataOf(await api("POST", "/pools", { name }, of.key), poolSchema).id;
}

/** An agent of the pool that has enrolled. */
async function newAgent(poolId: string, name: string, of: Person = person) {
  const token = dataOf(await api("POST", "/join-tokens", { poolId }, of.key), joinTokenCreatedSchema).token;
  const { publicKey } = (await crypto.subtle.generateKey("Ed25519", true, ["sign"])) as CryptoKeyPair;
  const { x } = (await crypto.subtle.exportKey("jwk", publicKey)) as JsonWebKey;
  const body = { joinToken: token, publicKey: x, name, labels: {}, agentVersion: "0" };
  const { agentId } = dataOf(await call(AGENT_PATHS.enroll, { method: "POST", body }), enrollResponseSchema);
  return { organizationId: of.organizationId, poolId, agentId };
}

beforeAll(async () => {
  person = await signUp();
});

describe("the list of secrets", () => {
  test("names each with its kind and the agents that hold it, follows what they say, and forgets who is revoked", async () => {
    const poolId = await newPool("held");
    const [one, two] = [await newAgent(poolId, "one"), await newAgent(poolId, "two")];
    const control = await connectAgent(one, { secrets: [{ name: "db", type: "file" }] });
    await connectAgent(two, {
      secrets: [
        { name: "db", type: "vault" },
        { name: "api", type: "vault" },
      ],
    });
    const holder = (place: { agentId: string }, name: string, type: string) => ({
      ...{ id: place.agentId, name, poolName: "held", type },
    });
    expect(await list()).toEqual([
      { name: "api", types: ["vault"], agents: [holder(two, "two", "vault")], deliveries: [] },
      {
        name: "db",
        types: ["file", "vault"],
        agents: [holder(one, "one", "file"), holder(two, "two", "vault")],
        deliveries: [],
      },
    ]);
    expect((await api("GET", "/credentials")).json).toMatchObject({ data: await list() });

    control.send({
      type: "secrets",
      secrets: [
        { name: "db", type: "file" },
        { name: "new", type: "file" },
      ],
    });
    await expect.poll(async () => (await list()).map(({ name }) => name)).toEqual(["api", "db", "new"]);
    expect(await api("DELETE", `/agents/${two.agentId}`)).toMatchObject({ status: 200 });
    expect((await list()).map(({ name, types }) => [name, types])).toEqual([
      ["db", ["file"]],
      ["new", ["file"]],
    ]);
  });

  test("[S3] is that of the organization alone", async () => {
    const stranger = await signUp("Mallory");
    const poolId = await newPool("theirs", stranger);
    await connectAgent(await newAgent(poolId, "theirs", stranger), {
      secrets: [{ name: "canary", type: "env" }],
    });
    expect((await list(stranger.key)).map(({ name }) => name)).toEqual(["canary"]);
    expect(JSON.stringify(await list())).not.toContain("canary");
  });

  test("[S2] needs its own scope", async () => {
    const others = await makeKey({ key: person.key }, ["agents:read", "runbooks:read"]);
    expect((await api("GET", "/secrets", undefined, others)).status).toBe(403);
    const right = await makeKey({ key: person.key }, ["secrets:read"]);
    expect((await api("GET", "/secrets", undefined, right)).status).toBe(200);
  });
});

describe("what agents say of their secrets", () => {
  test.each([
    ["a value", [{ name: "a", type: "env", value: "x" }]],
    ["no name", [{ name: "A B", type: "env" }]],
    ["too many", Array.from({ length: SECRETS_TOLD_MAX + 1 }, (_, n) => ({ name: `s${n}`, type: "env" }))],
  ])("ends the socket when it is %s, and changes nothing", async (_, secrets) => {
    const place = await newAgent(await newPool(`said-${crypto.randomUUID().slice(0, 8)}`), "x");
    const control = await connectAgent(place, { secrets: [{ name: "kept", type: "env" }] });
    control.send({ type: "secrets", secrets });
    expect((await control.end()).code).toBe(4400);
    expect(await poolOf(place).secrets()).toEqual({ [place.agentId]: [{ name: "kept", type: "env" }] });
  });
});

test("a plan says which secrets are used where, and which agents do not have them", async () => {
  const poolId = await newPool("vaulted");
  const source = `---\ntitle: Uses\ntarget: {pool: vaulted}\n---\n\n\`\`\`bash {secrets=db,kube}\nls\n\`\`\`\n
\`\`\`farhand\nkind: api\nmethod: POST\nurl: https://example.com\nheaders: {authorization: {secret: api}}\n\`\`\`\n`;
  const { id } = dataOf(await api("POST", "/runbooks", { source }), runbookSchema);
  const look = async () => dataOf(await api("POST", `/runbooks/${id}/plan`, {}), previewSchema);
  await connectAgent(await newAgent(poolId, "silent"));
  const silent = await look();
  expect(silent.steps.map(({ secrets }) => secrets)).toEqual([["db", "kube"], ["api"]]);
  expect(silent.targets).toMatchObject([{ secrets: ["db", "kube", "api"], lackingSecrets: {} }]);
  expect(silent.missing).toEqual([]);
  await connectAgent(await newAgent(poolId, "some"), { secrets: [{ name: "db", type: "env" }] });
  expect((await look()).missing).toEqual([
    '1 of 2 connected agents in the pool "vaulted" do not have the secret "kube".',
    '1 of 2 connected agents in the pool "vaulted" do not have the secret "api".',
  ]);
});
