/** The bindings and settings the worker runs with; `wrangler.toml` declares the bindings. */
import { z } from "zod";
import type { OutboundBreakers } from "./edge/OutboundBreakers.ts";
import type { ExecutionCoordinator } from "./execution/ExecutionCoordinator.ts";
import type { OrganizationFeed } from "./feed/OrganizationFeed.ts";
import type { RateLimiter } from "./limiter/RateLimiter.ts";
import type { OrganizationLocks } from "./locks/OrganizationLocks.ts";
import type { AgentPool } from "./pool/AgentPool.ts";

export interface Env {
  DB: D1Database;
  ARCHIVE: R2Bucket;
  /** Releases of the agent, for `/install.sh` and `/releases/`. */
  RELEASES: R2Bucket;
  NOTIFICATIONS: Queue;
  EXECUTION_COORDINATOR: DurableObjectNamespace<ExecutionCoordinator>;
  AGENT_POOL: DurableObjectNamespace<AgentPool>;
  ORGANIZATION_FEED: DurableObjectNamespace<OrganizationFeed>;
  RATE_LIMITER: DurableObjectNamespace<RateLimiter>;
  ORGANIZATION_LOCKS: DurableObjectNamespace<OrganizationLocks>;
  OUTBOUND_BREAKERS: DurableObjectNamespace<OutboundBreakers>;
  /** Signs browser sessions; at least 32 characters. */
  AUTH_SECRET: string;
  /** Where people and agents reach this control plane, e.g. https://farhand.example.com. */
  PUBLIC_URL: string;
  /** Requests a minute that one caller may make; 1200 when absent. */
  RATE_LIMIT_PER_MINUTE?: string;
  /**
   * The header in which whoever stands in front of the worker writes the
   * caller's address over what the caller may have sent. Absent: no address is
   * believed, and callers without an account share their limits.
   */
  CLIENT_ADDRESS_HEADER?: string;
  /** Public half of the key that signs releases: SPKI in base64. Absent: none are offered. */
  RELEASE_KEY?: string;
  /** `true` on a developer's machine: webhooks may lead to servers on it, over http as well. */
  WEBHOOKS_TO_LOOPBACK?: string;
}

const settingsSchema = z.object({
  AUTH_SECRET: z
    .string({ error: "is missing: set it to at least 32 random characters" })
    .min(32, { error: "is too short: use at least 32 random characters" }),
  PUBLIC_URL: z
    .string({
      error: "is missing: set it to where people reach this server, e.g. https://farhand.example.com",
    })
    .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ""), {
      error: "must be an http or https address, e.g. https://farhand.example.com",
    }),
  RATE_LIMIT_PER_MINUTE: z.coerce
    .number({ error: "must be a whole number of requests" })
    .int({ error: "must be a whole number of requests" })
    .min(2, { error: "must be at least 2" })
    .default(1200),
  CLIENT_ADDRESS_HEADER: z
    .string()
    .regex(/^[\w-]+$/, { error: "must be the name of a header, e.g. cf-connecting-ip" })
    .transform((name) => name.toLowerCase())
    .optional(),
  RELEASE_KEY: z
    .string()
    .regex(/^MCowBQYDK2VwAyEA[\w+/]{43}=$/, {
      error: "must be an Ed25519 public key, the one line inside its PEM file",
    })
    .optional(),
  WEBHOOKS_TO_LOOPBACK: z.enum(["true", "false"], { error: "must be true or false" }).default("false"),
});

export interface Settings {
  authSecret: string;
  /** Scheme, host and port of PUBLIC_URL. */
  publicOrigin: string;
  rateLimitPerMinute: number;
  /** In lower case; absent when no header can be believed. */
  clientAddressHeader?: string | undefined;
  /** SPKI in base64. */
  releaseKey?: string | undefined;
  webhooksToLoopback: boolean;
}

export type SettingsCheck = { ok: true; settings: Settings } | { ok: false; problems: string[] };

/** Checks the settings once at the entry; each problem names its setting and says what to do. */
export function readSettings(env: Partial<Record<keyof Env, unknown>>): SettingsCheck {
  const result = settingsSchema.safeParse(env);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`);
    return { ok: false, problems };
  }
  const { AUTH_SECRET, PUBLIC_URL, RATE_LIMIT_PER_MINUTE, CLIENT_ADDRESS_HEADER, RELEASE_KEY } = result.data;
  const { WEBHOOKS_TO_LOOPBACK } = result.data;
  return {
    ok: true,
    settings: {
      authSecret: AUTH_SECRET,
      publicOrigin: new URL(PUBLIC_URL).origin,
      rateLimitPerMinute: RATE_LIMIT_PER_MINUTE,
      clientAddressHeader: CLIENT_ADDRESS_HEADER,
      releaseKey: RELEASE_KEY,
      webhooksToLoopback: WEBHOOKS_TO_LOOPBACK === "true",
    },
  };
}
