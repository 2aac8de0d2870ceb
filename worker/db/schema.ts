/**
 * The tables in D1. Times are milliseconds since the epoch. Every table of a
 * tenant has `organization_id` first in its primary key and in every index
 * that a list uses. Only `worker/db` reads these tables; everything else goes
 * through `tenantDb` and `identityDb`. In one file, however long: drizzle-kit
 * makes migrations out of it, and foreign keys lead from table to table.
 */
import {
  foreignKey,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import type { Actor, Scope, Trigger } from "#protocol/actor.ts";
import type { WebhookDelivery } from "#protocol/api/webhooks.ts";
import type { NotificationType } from "#protocol/notifications.ts";
import type { RunbookDocument } from "#protocol/runbook/document.ts";
import type { ExecutionState } from "#protocol/states.ts";

const time = (name: string) => integer(name, { mode: "timestamp_ms" });

// People and organizations: the names and fields are better-auth's.

export const user = sqliteTable("users", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  email: text("email").notNull().unique(),
  emailVerified: integer("email_verified", { mode: "boolean" }).notNull(),
  image: text("image"),
  createdAt: time("created_at").notNull(),
  updatedAt: time("updated_at").notNull(),
});

export const session = sqliteTable(
  "sessions",
  {
    id: text("id").primaryKey(),
    token: text("token").notNull().unique(),
    userId: text("user_id")
      .notNull()
      .references(() => user.id, { onDelete: "cascade" }),
    activeOrganizationId: text("active_organization_id"),
    ipAddress: text("ip_address"),
    userAgent: text("user_agent"),
    expiresAt: time("expires_at").notNull(),
    createdAt: time("created_at").notNull(),
    updatedAt: time("updated_at").notNull(),
  },
  (table) => [index("sessions_by_user").on(table.userId)],
);

export const account = sqliteTable(
  "accounts",
  {
    id: text("id").primaryKey(),
    accountId: text("account_id").notNull(),
    providerId: text("provider_id").notNull(),
    userId: text("user_id")
      .notNull()
      .references(() => user.id, { onDelete: "cascade" }),
    accessToken: text("access_token"),
    refreshToken: text("refresh_token"),
    idToken: text("id_token"),
    accessTokenExpiresAt: time("access_token_expires_at"),
    refreshTokenExpiresAt: time("refresh_token_expires_at"),
    scope: text("scope"),
    password: text("password"),
    createdAt: time("created_at").notNull(),
    updatedAt: time("updated_at").notNull(),
  },
  (table) => [index("accounts_by_user").on(table.userId)],
);

export const verification = sqliteTable(
  "verifications",
  {
    id: text("id").primaryKey(),
    identifier: text("identifier").notNull(),
    value: text("value").notNull(),
    expiresAt: time("expires_at").notNull(),
    createdAt: time("created_at").notNull(),
    updatedAt: time("updated_at").notNull(),
  },
  (table) => [index("verifications_by_identifier").on(table.identifier)],
);

export const organization = sqliteTable("organizations", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  slug: text("slug").notNull().unique(),
  logo: text("logo"),
  metadata: text("metadata"),
  createdAt: time("created_at").notNull(),
  /** Most executions at once; no limit when null. */
  maxExecutions: integer("max_executions"),
  /** Days after their end for which executions are kept; for ever when null. */
  retentionDays: integer("retention_days"),
});

export const member = sqliteTable(
  "members",
  {
    id: text("id").primaryKey(),
    organizationId: text("organization_id")
      .notNull()
      .references(() => organization.id),
    userId: text("user_id")
      .notNull()
      .references(() => user.id),
    role: text("role").notNull(),
    createdAt: time("created_at").notNull(),
  },
  (table) => [
    uniqueIndex("members_once").on(table.organizationId, table.userId),
    index("members_by_user").on(table.userId),
  ],
);

export const invitation = sqliteTable(
  "invitations",
  {
    id: text("id").primaryKey(),
    organizationId: text("organization_id")
      .notNull()
      .references(() => organization.id),
    email: text("email").notNull(),
    role: text("role"),
    status: text("status").notNull(),
    inviterId: text("inviter_id")
      .notNull()
      .references(() => user.id),
    expiresAt: time("expires_at").notNull(),
    createdAt: time("created_at").notNull(),
  },
  (table) => [index("invitations_by_email").on(table.organizationId, table.email)],
);

// What belongs to an organization.

const organizationId = () =>
  text("organization_id")
    .notNull()
    .references(() => organization.id);

export const pools = sqliteTable(
  "pools",
  {
    organizationId: organizationId(),
    id: text("id").notNull(),
    name: text("name").notNull(),
    createdAt: time("created_at").notNull(),
    /** Most leases at once, whatever slots its agents have; no limit when null. */
    maxLeases: integer("max_leases"),
    /** The version that its agents are told to have; the newest release when null. */
    agentVersion: text("agent_version"),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    uniqueIndex("pools_by_name").on(table.organizationId, table.name),
  ],
);

export const agents = sqliteTable(
  "agents",
  {
    organizationId: organizationId(),
    id: text("id").notNull(),
    poolId: text("pool_id").notNull(),
    name: text("name").notNull(),
    labels: text("labels", { mode: "json" }).$type<Record<string, string>>().notNull(),
    /** Raw Ed25519 public key, base64url. */
    publicKey: text("public_key").notNull(),
    /** SHA-256 of the public key, hex. */
    fingerprint: text("fingerprint").notNull(),
    createdAt: time("created_at").notNull(),
    revokedAt: time("revoked_at"),
    /** The token that it came in with. */
    joinTokenId: text("join_token_id"),
    /** The key that it wants to go over to, and since when: with its first use it takes the place of the other. */
    nextPublicKey: text("next_public_key"),
    nextKeyAt: time("next_key_at"),
    /** Two machines were seen with its key, and a person has not said yet that it is put right. */
    quarantinedAt: time("quarantined_at"),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    foreignKey({
      columns: [table.organizationId, table.poolId],
      foreignColumns: [pools.organizationId, pools.id],
    }),
    // A token's uses are counted here; one key uses it up once, however often it asks.
    uniqueIndex("agents_by_join_token").on(table.organizationId, table.joinTokenId, table.publicKey),
    // An agent's assertion names only its own id.
    uniqueIndex("agents_by_id").on(table.id),
    index("agents_by_pool").on(table.organizationId, table.poolId),
  ],
);

export const joinTokens = sqliteTable(
  "join_tokens",
  {
    organizationId: organizationId(),
    id: text("id").notNull(),
    poolId: text("pool_id").notNull(),
    /** SHA-256 of the token, hex. */
    hash: text("hash").notNull(),
    createdBy: text("created_by", { mode: "json" }).$type<Actor>().notNull(),
    createdAt: time("created_at").notNull(),
    expiresAt: time("expires_at").notNull(),
    revokedAt: time("revoked_at"),
    /** How many agents may come in with it. */
    uses: integer("uses").notNull().default(1),
    /** What every agent that comes in with it is labelled with, whatever its host says. */
    labels: text("labels", { mode: "json" }).$type<Record<string, string>>().notNull().default({}),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    foreignKey({
      columns: [table.organizationId, table.poolId],
      foreignColumns: [pools.organizationId, pools.id],
    }),
    uniqueIndex("join_tokens_by_hash").on(table.hash),
  ],
);

export const apiKeys = sqliteTable(
  "api_keys",
  {
    organizationId: organizationId(),
    id: text("id").notNull(),
    name: text("name").notNull(),
    hint: text("hint").notNull(),
    /** SHA-256 of the key, hex. */
    hash: text("hash").notNull(),
    scopes: text("scopes", { mode: "json" }).$type<Scope[]>().notNull(),
    /** Whose membership bounds what the key may do, each time it is used. */
    userId: text("user_id")
      .notNull()
      .references(() => user.id),
    createdBy: text("created_by", { mode: "json" }).$type<Actor>().notNull(),
    createdAt: time("created_at").notNull(),
    expiresAt: time("expires_at"),
    lastUsedAt: time("last_used_at"),
    revokedAt: time("revoked_at"),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    uniqueIndex("api_keys_by_hash").on(table.hash),
  ],
);

export const runbooks = sqliteTable(
  "runbooks",
  {
    organizationId: organizationId(),
    id: text("id").notNull(),
    title: text("title").notNull(),
    description: text("description"),
    latestVersion: integer("latest_version").notNull(),
    stepCount: integer("step_count").notNull(),
    createdAt: time("created_at").notNull(),
    updatedAt: time("updated_at").notNull(),
    /** A tombstone: hidden from then on, its versions and executions stay. */
    deletedAt: time("deleted_at"),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    index("runbooks_by_update").on(table.organizationId, table.updatedAt, table.id),
  ],
);

/** Rows are only ever added: a version is immutable. */
export const runbookVersions = sqliteTable(
  "runbook_versions",
  {
    organizationId: organizationId(),
    id: text("id").notNull(),
    runbookId: text("runbook_id").notNull(),
    number: integer("number").notNull(),
    contentHash: text("content_hash").notNull(),
    source: text("source").notNull(),
    document: text("document", { mode: "json" }).$type<RunbookDocument>().notNull(),
    createdBy: text("created_by", { mode: "json" }).$type<Actor>().notNull(),
    createdAt: time("created_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    foreignKey({
      columns: [table.organizationId, table.runbookId],
      foreignColumns: [runbooks.organizationId, runbooks.id],
    }),
    uniqueIndex("runbook_versions_by_number").on(table.organizationId, table.runbookId, table.number),
  ],
);

/** Public keys with which people and CI sign; the private halves are never here. */
export const signingKeys = sqliteTable(
  "signing_keys",
  {
    organizationId: organizationId(),
    id: text("id").notNull(),
    name: text("name").notNull(),
    /** As `protocol/signatures/keys.ts` writes it. */
    publicKey: text("public_key").notNull(),
    fingerprint: text("fingerprint").notNull(),
    /** Whose it is. */
    userId: text("user_id")
      .notNull()
      .references(() => user.id),
    createdBy: text("created_by", { mode: "json" }).$type<Actor>().notNull(),
    createdAt: time("created_at").notNull(),
    revokedAt: time("revoked_at"),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    uniqueIndex("signing_keys_by_fingerprint").on(table.organizationId, table.fingerprint),
  ],
);

/** One for each key that signed a version. */
export const versionSignatures = sqliteTable(
  "version_signatures",
  {
    organizationId: organizationId(),
    versionId: text("version_id").notNull(),
    keyId: text("key_id").notNull(),
    /** A compact JWS. */
    signature: text("signature").notNull(),
    signedAt: time("signed_at").notNull(),
    expiresAt: time("expires_at"),
    createdAt: time("created_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.versionId, table.keyId] }),
    foreignKey({
      columns: [table.organizationId, table.versionId],
      foreignColumns: [runbookVersions.organizationId, runbookVersions.id],
    }),
    foreignKey({
      columns: [table.organizationId, table.keyId],
      foreignColumns: [signingKeys.organizationId, signingKeys.id],
    }),
  ],
);

/**
 * The index of executions: a projection that each execution's coordinator
 * writes. It has no foreign keys, because the coordinator is the truth and
 * must always be able to write its row.
 */
export const executions = sqliteTable(
  "executions",
  {
    organizationId: text("organization_id").notNull(),
    id: text("id").notNull(),
    runbookId: text("runbook_id").notNull(),
    versionNumber: integer("version_number").notNull(),
    title: text("title").notNull(),
    state: text("state").$type<ExecutionState>().notNull(),
    trigger: text("trigger", { mode: "json" }).$type<Trigger>().notNull(),
    actor: text("actor", { mode: "json" }).$type<Actor>().notNull(),
    createdAt: time("created_at").notNull(),
    finishedAt: time("finished_at"),
    durationMs: integer("duration_ms"),
    /** The person behind it, also when a key asked. */
    requesterId: text("requester_id"),
    /** Ids of the agents that its steps went to; complete once it has ended. */
    agents: text("agents", { mode: "json" }).$type<string[]>(),
    /** A tombstone: hidden from then on, and by whom. */
    deletedAt: time("deleted_at"),
    deletedBy: text("deleted_by", { mode: "json" }).$type<Actor>(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    index("executions_by_age").on(table.organizationId, table.createdAt, table.id),
    index("executions_by_runbook").on(table.organizationId, table.runbookId, table.createdAt, table.id),
    index("executions_by_state").on(table.organizationId, table.state, table.createdAt, table.id),
    index("executions_by_end").on(table.organizationId, table.finishedAt),
    index("executions_by_requester").on(table.organizationId, table.requesterId, table.createdAt, table.id),
  ],
);

export const webhooks = sqliteTable(
  "webhooks",
  {
    organizationId: organizationId(),
    id: text("id").notNull(),
    name: text("name").notNull(),
    url: text("url").notNull(),
    events: text("events", { mode: "json" }).$type<NotificationType[]>().notNull(),
    enabled: integer("enabled", { mode: "boolean" }).notNull(),
    disabledReason: text("disabled_reason"),
    /** What signs, sealed. */
    secret: text("secret").notNull(),
    /** What signed before, sealed; it signs as well until then. */
    previousSecret: text("previous_secret"),
    previousSecretUntil: time("previous_secret_until"),
    createdBy: text("created_by", { mode: "json" }).$type<Actor>().notNull(),
    createdAt: time("created_at").notNull(),
    updatedAt: time("updated_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.id] })],
);

/** What a webhook was sent lately: a row for each notification, however often it was tried. */
export const webhookDeliveries = sqliteTable(
  "webhook_deliveries",
  {
    organizationId: organizationId(),
    webhookId: text("webhook_id").notNull(),
    /** The notification's. */
    id: text("id").notNull(),
    type: text("type").notNull(),
    subject: text("subject").notNull(),
    state: text("state").$type<WebhookDelivery["state"]>().notNull(),
    attempts: integer("attempts").notNull(),
    status: integer("status"),
    detail: text("detail").notNull(),
    createdAt: time("created_at").notNull(),
    lastAttemptAt: time("last_attempt_at").notNull(),
    nextAttemptAt: time("next_attempt_at"),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.webhookId, table.id] }),
    foreignKey({
      columns: [table.organizationId, table.webhookId],
      foreignColumns: [webhooks.organizationId, webhooks.id],
    }).onDelete("cascade"),
    index("webhook_deliveries_by_age").on(table.organizationId, table.webhookId, table.createdAt),
  ],
);

/** How far the last sweep over open executions came; one row, or none when it came to the end. */
export const sweeps = sqliteTable("sweeps", {
  only: integer("only").primaryKey(),
  organizationId: text("organization_id").notNull(),
  id: text("id").notNull(),
});
