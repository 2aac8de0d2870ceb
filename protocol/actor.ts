import { z } from "zod";

/**
 * Who acts. A closed union: every change, event and log line carries one, and
 * a new kind of caller cannot be added without every switch noticing.
 */
export const actorSchema = z
  .discriminatedUnion("type", [
    z.strictObject({ type: z.literal("user"), id: z.string(), name: z.string() }),
    z.strictObject({ type: z.literal("api_key"), id: z.string(), name: z.string() }),
    z.strictObject({ type: z.literal("agent"), id: z.string(), name: z.string() }),
    z.strictObject({ type: z.literal("system"), name: z.string() }),
    z.strictObject({ type: z.literal("anonymous") }),
  ])
  .meta({ id: "Actor" });
export type Actor = z.infer<typeof actorSchema>;

/** What started an execution. */
export const triggerSchema = z
  .discriminatedUnion("type", [
    z.strictObject({ type: z.literal("user") }),
    z.strictObject({ type: z.literal("api_key") }),
    /** A step of another execution. */
    z.strictObject({ type: z.literal("parent"), executionId: z.string() }),
    z.strictObject({ type: z.literal("retry"), executionId: z.string() }),
  ])
  .meta({ id: "Trigger" });
export type Trigger = z.infer<typeof triggerSchema>;

/** What a key may be allowed to do; also the permissions that roles are made of. */
export const SCOPES = [
  "runbooks:read",
  "runbooks:write",
  "executions:read",
  "executions:write",
  "agents:read",
  "agents:write",
  "secrets:read",
  "secrets:write",
  "keys:read",
  "keys:write",
  "organization:write",
  "webhooks:read",
  "webhooks:write",
] as const;
export const scopeSchema = z.enum(SCOPES);
export type Scope = z.infer<typeof scopeSchema>;
