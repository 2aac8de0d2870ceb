import { z } from "zod";
import { scopeSchema } from "../actor.ts";
import { idSchema } from "../ids.ts";
import { nameSchema } from "../names.ts";
import { timestampSchema } from "./envelope.ts";

export const apiKeySchema = z
  .object({
    id: idSchema("apiKey"),
    name: z.string(),
    /** The first characters, enough to recognise it. */
    hint: z.string(),
    scopes: z.array(scopeSchema),
    createdAt: timestampSchema,
    expiresAt: timestampSchema.optional(),
    lastUsedAt: timestampSchema.optional(),
    revokedAt: timestampSchema.optional(),
  })
  .meta({ id: "ApiKey" });

export const apiKeyCreateSchema = z.strictObject({
  name: nameSchema(100),
  scopes: z.array(scopeSchema).min(1, { error: "a key needs at least one scope" }),
  expiresInDays: z.number().int().min(1).max(3650).optional(),
});

/** The only answer that ever contains the key. */
export const apiKeyCreatedSchema = apiKeySchema.extend({ key: z.string() });

/** Who the caller is, and in which organization. */
export const meSchema = z.object({
  organization: z.object({ id: idSchema("organization"), name: z.string() }),
  actor: z.object({
    type: z.enum(["user", "api_key"]),
    id: z.string(),
    name: z.string(),
    email: z.string().optional(),
  }),
  scopes: z.array(scopeSchema),
});

export type ApiKey = z.infer<typeof apiKeySchema>;
export type ApiKeyCreated = z.infer<typeof apiKeyCreatedSchema>;
