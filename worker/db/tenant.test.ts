import { describe, expect, test } from "vitest";
import type { ExecutionSummary } from "#protocol/api/executions.ts";
import { newId } from "#protocol/ids.ts";
import { type TenantDb, tenantDb } from "./tenant.ts";

const TENANT_TABLES = [
  "agents",
  "api_keys",
  "executions",
  "join_tokens",
  "pools",
  "runbook_versions",
  "runbooks",
  "signing_keys",
  "version_signatures",
  "webhook_deliveries",
  "webhooks",
] as const;

interface Statement {
  sql: string;
  parameters: unknown[];
}

/** A database that has nothing and writes down what it is asked. */
function recordingD1(asked: Statement[]): D1Database {
  const nothing = { success: true, results: [], meta: { changes: 0 } };
  const prepare = (sql: string) => ({
    bind(...parameters: unknown[]) {
      asked.push({ sql, parameters });
      return { all: async () => nothing, run: async () => nothing, raw: async () => [] };
    },
  });
  const batch = async (statements: unknown[]) => statements.map(() => nothing);
  // Only what drizzle calls: the rest of the interface would never be reached.
  return { prepare, batch } as unknown as D1Database;
}

const actor = { type: "system", name: "test" } as const;
const now = new Date();
const version = {
  id: newId("version"),
  source: "# x",
  document: { schema: 1 as const, title: "x", parameters: [], target: {}, blocks: [] },
  contentHash: "00",
  createdBy: actor,
  now,
};
const summary: ExecutionSummary = {
  id: newId("execution"),
  runbookId: newId("runbook"),
  versionNumber: 1,
  title: "x",
  state: "queued",
  trigger: { type: "user" },
  actor,
  createdAt: now.toISOString(),
};

type Calls = {
  [Repository in keyof TenantDb]: { [Method in keyof TenantDb[Repository]]: (db: TenantDb) => unknown };
};

/** One call of every method: a method without one does not compile. */
const CALLS: Calls = {
  agents: {
    list: (db) => db.agents.list(undefined, 1),
    get: (db) => db.agents.get("agt_x"),
    among: (db) => db.agents.among(["agt_x"]),
    release: (db) => db.agents.release("agt_x"),
    revoke: (db) => db.agents.revoke("agt_x", now),
  },
  apiKeys: {
    create: (db) =>
      db.apiKeys.create({
        id: "key_x",
        name: "x",
        hint: "x",
        hash: "x",
        scopes: [],
        userId: "usr_x",
        createdBy: actor,
        createdAt: now,
        expiresAt: undefined,
      }),
    list: (db) => db.apiKeys.list("key_x", 1),
    revoke: (db) => db.apiKeys.revoke("key_x", now),
  },
  executions: {
    project: (db) => db.executions.project(summary),
    remove: (db) => db.executions.remove(summary, {}, actor, now),
    purge: (db) => db.executions.purge("exe_x", now),
    list: (db) => db.executions.list({ states: ["running"] }, { createdAt: 1, id: "exe_x" }, 1),
  },
  joinTokens: {
    create: (db) =>
      db.joinTokens.create({
        id: "jtk_x",
        poolId: "pool_x",
        hash: "x",
        createdBy: actor,
        createdAt: now,
        expiresAt: now,
        uses: 1,
        labels: {},
      }),
    list: (db) => db.joinTokens.list(undefined, 1),
    revoke: (db) => db.joinTokens.revoke("jtk_x", now),
  },
  organization: {
    get: (db) => db.organization.get(),
    update: (db) => db.organization.update({ retentionDays: 1 }),
  },
  pools: {
    create: (db) => db.pools.create("pool_x", "x", now),
    update: (db) => db.pools.update("pool_x", { maxLeases: 1 }),
    get: (db) => db.pools.get("pool_x"),
    idsOf: (db) => db.pools.idsOf(["a", "b"]),
    list: (db) => db.pools.list("a", 1),
  },
  runbooks: {
    create: (db) => db.runbooks.create("rb_x", version),
    list: (db) => db.runbooks.list({ updatedAt: 1, id: "rb_x" }, 1),
    idsByTitle: (db) => db.runbooks.idsByTitle("Title"),
    exists: (db) => db.runbooks.exists("rb_x"),
    numberOf: (db) => db.runbooks.numberOf("rb_x", "rbv_x"),
    get: (db) => db.runbooks.get("rb_x"),
    version: (db) => db.runbooks.version("rb_x", 1),
    versions: (db) => db.runbooks.versions("rb_x", 3, 1),
    addVersion: (db) => db.runbooks.addVersion("rb_x", 1, version),
    remove: (db) => db.runbooks.remove("rb_x", now),
    forTrigger: (db) => db.runbooks.forTrigger("rb_x", undefined, "prod"),
  },
  signatures: {
    addKey: (db) =>
      db.signatures.addKey({
        id: "sgk_x",
        name: "x",
        publicKey: "x",
        fingerprint: "x",
        userId: "usr_x",
        createdBy: actor,
        createdAt: now,
      }),
    keys: (db) => db.signatures.keys("sgk_x", 1),
    keyOf: (db) => db.signatures.keyOf("x"),
    ownerOf: (db) => db.signatures.ownerOf("sgk_x"),
    revokeKey: (db) => db.signatures.revokeKey("sgk_x", now),
    sign: (db) =>
      db.signatures.sign({
        versionId: "rbv_x",
        keyId: "sgk_x",
        signature: "x",
        signedAt: now,
        expiresAt: undefined,
        createdAt: now,
      }),
    ofVersion: (db) => db.signatures.ofVersion("rbv_x"),
  },
  webhookDeliveries: {
    record: (db) =>
      db.webhookDeliveries.record({
        webhookId: "whk_x",
        notification: { id: "msg_x", type: "webhook.test", subject: "whk_x" },
        state: "pending",
        status: 500,
        detail: "x",
        at: now,
        nextAttemptAt: now,
      }),
    giveUp: (db) => db.webhookDeliveries.giveUp("whk_x", "msg_x"),
    get: (db) => db.webhookDeliveries.get("whk_x", "msg_x"),
    list: (db) => db.webhookDeliveries.list("whk_x"),
  },
  webhooks: {
    create: (db) =>
      db.webhooks.create(
        {
          id: "whk_x",
          name: "x",
          url: "https://example.com",
          events: [],
          secret: "x",
          createdBy: actor,
          createdAt: now,
        },
        1,
      ),
    list: (db) => db.webhooks.list("whk_x", 1),
    get: (db) => db.webhooks.get("whk_x"),
    forDelivery: (db) => db.webhooks.forDelivery("whk_x", "msg_x"),
    update: (db) => db.webhooks.update("whk_x", { name: "y" }, now),
    disable: (db) => db.webhooks.disable("whk_x", "x", now),
    rotate: (db) => db.webhooks.rotate("whk_x", "y", now, now),
    remove: (db) => db.webhooks.remove("whk_x"),
  },
};

const cases = Object.entries(CALLS).flatMap(([repository, methods]) =>
  Object.entries(methods).map(([method, run]) => [`${repository}.${method}`, run] as const),
);

describe("[S3] every statement of a tenant's repository names the organization", () => {
  test.each(cases)("%s", async (_, run) => {
    const asked: Statement[] = [];
    const organizationId = newId("organization");
    // A database that has nothing may make a method give up; it has asked by then.
    await Promise.resolve(run(tenantDb(recordingD1(asked), organizationId))).catch(() => {});
    expect(asked.length).toBeGreaterThan(0);
    for (const { sql, parameters } of asked) {
      expect(parameters, sql).toContain(organizationId);
      for (const table of TENANT_TABLES) {
        if (new RegExp(`(from|join|update) "${table}"`).test(sql)) {
          expect(sql).toContain(`"${table}"."organization_id" = `);
        }
        if (sql.startsWith(`insert into "${table}"`)) expect(sql).toMatch(/^[^)]*"organization_id"/);
      }
    }
  });
});
