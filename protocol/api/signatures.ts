/** Public keys of people and of CI, and what they signed. */
import { z } from "zod";
import { actorSchema } from "../actor.ts";
import { idSchema } from "../ids.ts";
import { signatureSchema } from "../signatures/jws.ts";
import { publicKeySchema } from "../signatures/keys.ts";
import { timestampSchema } from "./envelope.ts";
import { versionSchema } from "./runbooks.ts";

export const signingKeySchema = z
  .object({
    id: idSchema("signingKey"),
    name: z.string(),
    publicKey: z.string(),
    /** Its RFC 7638 thumbprint: what people compare before they pin it on a host. */
    fingerprint: z.string(),
    createdBy: actorSchema,
    createdAt: timestampSchema,
    revokedAt: timestampSchema.optional(),
  })
  .meta({ id: "SigningKey" });

export const signingKeyCreateSchema = z.strictObject({
  publicKey: publicKeySchema,
  /** A `farhand.key.v1` statement signed with it: with the name, and proof that the private half is there. */
  proof: signatureSchema,
});

export const versionSignatureSchema = z
  .object({
    key: signingKeySchema.pick({ id: true, name: true, fingerprint: true, revokedAt: true }),
    signature: z.string(),
    signedAt: timestampSchema,
    expiresAt: timestampSchema.optional(),
  })
  .meta({ id: "VersionSignature" });

export const versionSignatureCreateSchema = z.strictObject({
  /** A `farhand.version.v1` statement as a compact JWS. */
  signature: signatureSchema,
});

export const signedVersionSchema = versionSchema.extend({ signatures: z.array(versionSignatureSchema) });

export type SigningKey = z.infer<typeof signingKeySchema>;
export type VersionSignature = z.infer<typeof versionSignatureSchema>;
