import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { SCOPES } from "#protocol/actor.ts";
import { executionSchema, executionSummarySchema } from "#protocol/api/executions.ts";
import { apiKeySchema } from "#protocol/api/keys.ts";
import { joinTokenCreatedSchema, poolSchema } from "#protocol/api/pools.ts";
import { runbookSchema } from "#protocol/api/runbooks.ts";
import { webhookWithSecretSchema } from "#protocol/api/webhooks.ts";
import { AGENT_PATHS, enrollResponseSchema } from "#protocol/assertion.ts";
import { problemSchema } from "#protocol/errors.ts";
import { newId } from "#protocol/ids.ts";
import { createApp } from "../../worker/app.ts";
import { operations } from "../../worker/routes/index.ts";
import { type Answer, call, dataOf, makeKey, type Person, type RequestOptions, signUp } from "./harness.ts";
import { connectAgent, poolOf } from "./scriptedAgent.ts";
import { registeredSigner, signVersion } from "./signer.ts";

/** Stands in everything of the victim's that has a name; no answer to anybody else may hold it. */
const CANARY = `canary${crypto.randomUUID().slice(0, 8)}`;

interface Ids {
  runbookId: string;
  executionId: string;
  agentId: string;
  joinTokenId: string;
  apiKeyId: string;
  poolId: string;
  signingKeyId: string;
  webhookId: string;
  secret: string;
}

interface Case {
  /** The address with the ids in it. */
  path: (ids: Ids) => string;
  options?: (ids: Ids) => RequestOptions;
}

const ENVELOPE = { version: Date.now(), key: "0".repeat(64), sealed: "AAAA" };

const PUBLIC_KEY = `ed25519:${"A".repeat(43)}`;

const source = (title: string) => `---\ntitle: ${title}\n---\n\n\`\`\`bash {name=look}\nuptime\n\`\`\`\n`;
const at = (path: (ids: Ids) => string, options?: (ids: Ids) => RequestOptions): Case => ({
  path,
  ...(options && { options }),
});
const body = (value: unknown) => () => ({ body: value });
const hook = (name: string) => ({
  name,
  url: `https://${name}.example.com/`,
  events: ["execution.finished"],
});
const upgrade = () => ({ headers: { upgrade: "websocket" } });

/** How each operation is asked about somebody else's things. An operation without an entry fails the suite. */
const CASES: Record<string, Case> = {
  "get /me": at(() => "/me"),
  "post /runbooks/parse": at(() => "/runbooks/parse", body({ source: source("x") })),
  "post /runbooks": at(() => "/runbooks", body({ source: source("attacker") })),
  "get /runbooks": at(() => "/runbooks"),
  "get /runbooks/{runbookId}": at((ids) => `/runbooks/${ids.runbookId}`),
  "put /runbooks/{runbookId}": at(
    (ids) => `/runbooks/${ids.runbookId}`,
    () => ({ body: { source: source("taken over") }, headers: { "if-match": "*" } }),
  ),
  "delete /runbooks/{runbookId}": at((ids) => `/runbooks/${ids.runbookId}`),
  "get /runbooks/{runbookId}/versions": at((ids) => `/runbooks/${ids.runbookId}/versions`),
  "get /runbooks/{runbookId}/versions/{number}": at((ids) => `/runbooks/${ids.runbookId}/versions/1`),
  "post /runbooks/{runbookId}/executions": at((ids) => `/runbooks/${ids.runbookId}/executions`, body({})),
  "get /executions": at((ids) => `/executions?runbookId=${ids.runbookId}`),
  "get /executions/{executionId}": at((ids) => `/executions/${ids.executionId}`),
  "post /executions/{executionId}/cancel": at((ids) => `/executions/${ids.executionId}/cancel`, body({})),
  ...Object.fromEntries(
    ["pause", "resume", "retry"].map((verb) => [
      `post /executions/{executionId}/${verb}`,
      at((ids) => `/executions/${ids.executionId}/${verb}`, body({})),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries({
      acknowledge: {},
      approve: { planDigest: "0" },
      reject: {},
      confirm: {},
      skip: { reason: "mine now" },
    }).map(([verb, value]) => [
      `post /executions/{executionId}/steps/{stepId}/${verb}`,
      at((ids) => `/executions/${ids.executionId}/steps/look/${verb}`, body(value)),
    ]),
  ),
  "delete /executions/{executionId}": at((ids) => `/executions/${ids.executionId}`),
  "get /executions/{executionId}/result": at((ids) => `/executions/${ids.executionId}/result`),
  "get /executions/{executionId}/steps": at((ids) => `/executions/${ids.executionId}/steps`),
  "get /executions/{executionId}/steps/{stepId}": at((ids) => `/executions/${ids.executionId}/steps/look`),
  "post /runbooks/{runbookId}/rollback": at(
    (ids) => `/runbooks/${ids.runbookId}/rollback`,
    () => ({ body: { version: 1 }, headers: { "if-match": "*" } }),
  ),
  "get /runbooks/{runbookId}/compare": at((ids) => `/runbooks/${ids.runbookId}/compare?from=1&to=1`),
  "post /runbooks/{runbookId}/plan": at((ids) => `/runbooks/${ids.runbookId}/plan`, body({})),
  "get /locks": at(() => "/locks"),
  "get /secrets": at(() => "/secrets"),
  "get /secrets/{name}": at((ids) => `/secrets/${ids.secret}`),
  "put /secrets/{name}": at(
    (ids) => `/secrets/${ids.secret}`,
    (ids) => ({ body: { envelopes: { [ids.agentId]: ENVELOPE } } }),
  ),
  "delete /secrets/{name}": at((ids) => `/secrets/${ids.secret}`),
  "get /credentials": at(() => "/credentials"),
  "get /organization": at(() => "/organization"),
  "put /organization": at(() => "/organization", body({ retentionDays: 3_650 })),
  "post /runbooks/{runbookId}/execute": at((ids) => `/runbooks/${ids.runbookId}/execute`, body({})),
  "post /execute": at(
    () => "/execute",
    (ids) => ({ body: { runbookId: ids.runbookId } }),
  ),
  "post /executions/{executionId}/control": at(
    (ids) => `/executions/${ids.executionId}/control`,
    body({ action: "stop" }),
  ),
  "post /runbooks/{runbookId}/versions/{version}/rollback": at(
    (ids) => `/runbooks/${ids.runbookId}/versions/1/rollback`,
    () => ({ headers: { "if-match": "*" } }),
  ),
  "post /{executionId}/cancel": at((ids) => `/${ids.executionId}/cancel`, body({})),
  "post /{executionId}/retry": at((ids) => `/${ids.executionId}/retry`, body({})),
  "delete /{executionId}": at((ids) => `/${ids.executionId}`),
  "get /result/{executionId}": at((ids) => `/result/${ids.executionId}`),
  "get /events/executions/{executionId}": at((ids) => `/events/executions/${ids.executionId}`),
  "get /user/executions": at(() => "/user/executions"),
  "get /executions/{executionId}/events": at((ids) => `/executions/${ids.executionId}/events`),
  "get /executions/{executionId}/stream": at((ids) => `/executions/${ids.executionId}/stream`, upgrade),
  "get /executions/{executionId}/output": at((ids) => `/executions/${ids.executionId}/output`),
  "get /executions/{executionId}/steps/{stepId}/output": at(
    (ids) => `/executions/${ids.executionId}/steps/look/output`,
  ),
  "get /executions/{executionId}/steps/{stepId}/chunks": at(
    (ids) => `/executions/${ids.executionId}/steps/look/chunks`,
  ),
  "get /feed": at(() => "/feed", upgrade),
  "post /pools": at(
    () => "/pools",
    () => ({ body: { name: `p${crypto.randomUUID()}` } }),
  ),
  "get /pools": at(() => "/pools"),
  "put /pools/{poolId}": at((ids) => `/pools/${ids.poolId}`, body({ maxLeases: 1 })),
  "get /agents": at(() => "/agents"),
  "get /agents/{agentId}": at((ids) => `/agents/${ids.agentId}`),
  "delete /agents/{agentId}": at((ids) => `/agents/${ids.agentId}`),
  "post /agents/{agentId}/release": at((ids) => `/agents/${ids.agentId}/release`),
  "post /join-tokens": at(
    () => "/join-tokens",
    (ids) => ({ body: { poolId: ids.poolId } }),
  ),
  "get /join-tokens": at(() => "/join-tokens"),
  "delete /join-tokens/{joinTokenId}": at((ids) => `/join-tokens/${ids.joinTokenId}`),
  "post /api-keys": at(() => "/api-keys", body({ name: "attacker", scopes: ["runbooks:read"] })),
  "get /api-keys": at(() => "/api-keys"),
  "delete /api-keys/{apiKeyId}": at((ids) => `/api-keys/${ids.apiKeyId}`),
  "post /signing-keys": at(() => "/signing-keys", body({ publicKey: PUBLIC_KEY, proof: "a.b.c" })),
  "get /signing-keys": at(() => "/signing-keys"),
  "delete /signing-keys/{signingKeyId}": at((ids) => `/signing-keys/${ids.signingKeyId}`),
  "post /runbooks/{runbookId}/versions/{number}/signatures": at(
    (ids) => `/runbooks/${ids.runbookId}/versions/1/signatures`,
    body({ signature: "a.b.c" }),
  ),
  "post /webhooks": at(() => "/webhooks", body(hook("attacker"))),
  "get /webhooks": at(() => "/webhooks"),
  "get /webhooks/{webhookId}": at((ids) => `/webhooks/${ids.webhookId}`),
  "put /webhooks/{webhookId}": at(
    (ids) => `/webhooks/${ids.webhookId}`,
    body({ url: "https://attacker.example.com/" }),
  ),
  "post /webhooks/{webhookId}/rotate": at((ids) => `/webhooks/${ids.webhookId}/rotate`, body({})),
  "post /webhooks/{webhookId}/test": at((ids) => `/webhooks/${ids.webhookId}/test`),
  "delete /webhooks/{webhookId}": at((ids) => `/webhooks/${ids.webhookId}`),
};

let victim: Person;
let theirs: Ids;
let attacker: Person;

const nobodys = (): Ids => ({
  runbookId: newId("runbook"),
  executionId: newId("execution"),
  agentId: newId("agent"),
  joinTokenId: newId("joinToken"),
  apiKeyId: newId("apiKey"),
  poolId: newId("pool"),
  signingKeyId: newId("signingKey"),
  webhookId: newId("webhook"),
  secret: `none${crypto.randomUUID().slice(0, 8)}`,
});

beforeAll(async () => {
  attacker = await signUp("Mallory");
  victim = await signUp(CANARY);
  theirs = await furnish(victim);
});

/** Gives an organization one of everything. */
async function furnish({ key, organizationId }: Person): Promise<Ids> {
  const post = (path: string, value: unknown) => call(path, { method: "POST", key, body: value });
  const runbook = dataOf(await post("/api/v1/runbooks", { source: source(CANARY) }), runbookSchema);
  const pool = dataOf(await post("/api/v1/pools", { name: CANARY }), poolSchema);
  const execution = dataOf(
    await post(`/api/v1/runbooks/${runbook.id}/executions`, {}),
    executionSummarySchema,
  );
  const token = async () =>
    dataOf(await post("/api/v1/join-tokens", { poolId: pool.id }), joinTokenCreatedSchema);
  const { publicKey } = (await crypto.subtle.generateKey("Ed25519", true, ["sign"])) as CryptoKeyPair;
  const jwk = (await crypto.subtle.exportKey("jwk", publicKey)) as JsonWebKey;
  const agent = dataOf(
    await call(AGENT_PATHS.enroll, {
      method: "POST",
      body: {
        joinToken: (await token()).token,
        publicKey: jwk.x,
        name: CANARY,
        labels: {},
        agentVersion: "0",
      },
    }),
    enrollResponseSchema,
  );
  // One that waits for an agent that is away.
  const control = await connectAgent(
    { organizationId, poolId: pool.id, agentId: agent.agentId },
    { sealing: { publicKey: "A".repeat(43), signature: "A".repeat(86) } },
  );
  control.socket.close();
  const sealed = await call(`/api/v1/secrets/${CANARY}`, {
    ...{ method: "PUT", key, body: { envelopes: { [agent.agentId]: ENVELOPE } } },
  });
  if (sealed.status !== 200) throw new Error(sealed.text);
  const keys = dataOf(await call("/api/v1/api-keys", { key }), z.array(apiKeySchema));
  const signer = await registeredSigner({ key, organizationId }, CANARY);
  await signVersion({ key, organizationId }, runbook.version, signer);
  return {
    runbookId: runbook.id,
    executionId: execution.id,
    agentId: agent.agentId,
    joinTokenId: (await token()).id,
    apiKeyId: keys[0]?.id ?? "",
    poolId: pool.id,
    signingKeyId: signer.id,
    webhookId: dataOf(await post("/api/v1/webhooks", hook(CANARY)), webhookWithSecretSchema).id,
    secret: CANARY,
  };
}

const nameOf = (operation: { method: string; path: string }) => `${operation.method} ${operation.path}`;
const listed = operations.map((operation) => [nameOf(operation), operation] as const);

async function ask(name: string, ids: Ids, credentials: RequestOptions): Promise<Answer> {
  const found = CASES[name];
  if (!found) throw new Error(`no isolation case for ${name}`);
  const options = found.options?.(ids) ?? {};
  return call(`/api/v1${found.path(ids)}`, {
    ...options,
    ...credentials,
    method: name.split(" ")[0]?.toUpperCase() ?? "GET",
    headers: { ...options.headers, ...credentials.headers },
  });
}

/** Every row of the victim's organization. */
async function rowsOfVictim(): Promise<string> {
  const tables = [
    ...["pools", "agents", "join_tokens", "api_keys", "runbooks", "runbook_versions", "executions"],
    ...["signing_keys", "version_signatures"],
    ...["webhooks", "webhook_deliveries"],
  ];
  const all = await Promise.all(
    tables.map((table) =>
      env.DB.prepare(`SELECT * FROM ${table} WHERE organization_id = ? ORDER BY 1, 2, 3`)
        .bind(victim.organizationId)
        .all(),
    ),
  );
  const pool = poolOf({ ...victim, poolId: theirs.poolId, agentId: theirs.agentId });
  const deliveries = await pool.deliveries();
  return JSON.stringify([...all.map((each) => each.results), deliveries], (name, value) =>
    name === "last_used_at" ? null : value,
  );
}

/** An answer without what is different each time. */
const essence = ({ status, json }: Answer, ids: Ids) => {
  const problem = problemSchema.safeParse(json);
  if (!problem.success) return { status };
  const { requestId: _, ...rest } = problem.data;
  return {
    status,
    problem: Object.values(ids).reduce((text, id) => text.replaceAll(id, "ID"), JSON.stringify(rest)),
  };
};

test("every operation has a case, and every case an operation", () => {
  expect(Object.keys(CASES).sort()).toEqual(operations.map(nameOf).sort());
});

/** Open to everybody, and the same for everybody. */
const PUBLIC = [
  "GET /api/v1/health",
  "GET /api/v1/openapi.json",
  "GET /docs",
  "GET /docs/reference.css",
  "GET /install.sh",
  "GET /releases/:version/:name",
  "GET /releases/latest.json",
];

test("[S3] whatever else has an address is the same for everybody, or an agent's or a log-in's own", () => {
  const listed = new Set(operations.map(({ path }) => `/api/v1${path.replace(/\{(\w+)\}/g, ":$1")}`));
  const others = createApp().routes.filter(
    ({ method, path }) =>
      method !== "ALL" &&
      !listed.has(path.replace(/\{.*\}/, "")) &&
      !path.startsWith("/agent/v1/") &&
      !path.startsWith("/api/auth/"),
  );
  expect(others.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(PUBLIC);
});

describe("[S2] without the right key", () => {
  test.each(listed)("%s is closed to somebody without one", async (name) => {
    const answer = await ask(name, theirs, { headers: { "cf-connecting-ip": name } });
    expect([answer.status, problemSchema.parse(answer.json).code]).toEqual([401, "unauthenticated"]);
  });

  test.each(listed)("%s is closed to a key that is none", async (name) => {
    const key = `${victim.key.slice(0, 20)}XXXX${victim.key.slice(24)}`;
    const answer = await ask(name, theirs, { key, headers: { "cf-connecting-ip": name } });
    expect([answer.status, problemSchema.parse(answer.json).code]).toEqual([401, "invalid_api_key"]);
  });

  const scoped = listed.filter(([, operation]) => operation.access !== "any");
  test.each(scoped)("%s is closed to a key with every other scope", async (name, { access }) => {
    const key = await makeKey(
      victim,
      SCOPES.filter((scope) => scope !== access),
    );
    const answer = await ask(name, theirs, { key });
    expect([answer.status, problemSchema.parse(answer.json).code]).toEqual([403, "insufficient_scope"]);
    expect(problemSchema.parse(answer.json).detail).toContain(access);
  });
});

describe("[S3] somebody else's", () => {
  test.each(listed)("%s answers as if it did not exist, and changes nothing", async (name) => {
    const before = await rowsOfVictim();
    const strangers = nobodys();
    const foreign = await ask(name, theirs, { key: attacker.key });
    const nonexistent = await ask(name, strangers, { key: attacker.key });
    expect(essence(foreign, theirs)).toEqual(essence(nonexistent, strangers));
    expect(foreign.text).not.toContain(CANARY);
    expect(foreign.text).not.toContain(victim.organizationId);
    expect(await rowsOfVictim()).toBe(before);
  });

  test("an execution is still as it was", async () => {
    const answer = await call(`/api/v1/executions/${theirs.executionId}`, { key: victim.key });
    expect(["queued", "running"]).toContain(dataOf(answer, executionSchema).state);
  });

  test("a cursor leads nowhere but into one's own list", async () => {
    await call("/api/v1/runbooks", {
      method: "POST",
      key: victim.key,
      body: { source: source(`${CANARY} 2`) },
    });
    const first = await call("/api/v1/runbooks?limit=1", { key: victim.key });
    const cursor = z.object({ metadata: z.object({ nextCursor: z.string() }) }).parse(first.json)
      .metadata.nextCursor;
    const answer = await call(`/api/v1/runbooks?cursor=${cursor}`, { key: attacker.key });
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain(CANARY);
  });

  test("a pool cannot be named as a target", async () => {
    const own = await call("/api/v1/runbooks", {
      method: "POST",
      key: attacker.key,
      body: { source: source("x") },
    });
    const { id } = dataOf(own, runbookSchema);
    const answer = await call(`/api/v1/runbooks/${id}/executions`, {
      method: "POST",
      key: attacker.key,
      body: { pool: CANARY },
    });
    expect([answer.status, problemSchema.parse(answer.json).code]).toEqual([422, "no_such_pool"]);
  });
});
