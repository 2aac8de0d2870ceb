/**
 * A secret on its way from a person to one agent. Who carries it sees for whom
 * it is and when it was sealed, and nothing of the value.
 */
import { z } from "zod";
import { fromBase64url } from "../base64url.ts";
import { SECRET_MAX_BYTES } from "../secrets.ts";

/** Of an X25519 key, and of what HPKE makes for each envelope. */
export const SEALING_KEY_BYTES = 32;
/** The length of the value, before it. */
export const SEALED_HEADER_BYTES = 4;
const TAG_BYTES = 16;
const SEALED_MAX_BYTES = SEALING_KEY_BYTES + SEALED_HEADER_BYTES + SECRET_MAX_BYTES + TAG_BYTES;
const SEALED_MAX_CHARACTERS = Math.ceil((SEALED_MAX_BYTES * 4) / 3);

/** How long an envelope may be on its way. An agent refuses one that was sealed before. */
export const SEALED_LIFE_MS = 7 * 24 * 60 * 60 * 1000;

/** Most agents that one request brings envelopes for. */
export const ENVELOPES_MAX = 500;

const bytes = (length: number) => (text: string) => fromBase64url(text)?.length === length;

export const sealedEnvelopeSchema = z
  .strictObject({
    /** When it was sealed, ms since the epoch. Of two for one name the later counts, and an agent takes no earlier one again. */
    version: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
    /** Fingerprint of the key that it is sealed to. */
    key: z.string().regex(/^[0-9a-f]{64}$/, { error: "a fingerprint is 64 hexadecimal digits" }),
    /** HPKE's encapsulated key, and behind it the ciphertext; base64url. */
    sealed: z
      .string()
      .max(SEALED_MAX_CHARACTERS, {
        error: `a sealed secret holds at most ${SECRET_MAX_BYTES / 1024} KiB`,
      })
      .refine((text) => fromBase64url(text) !== undefined, { error: "expected base64url" }),
  })
  .meta({ id: "SealedEnvelope" });
export type SealedEnvelope = z.infer<typeof sealedEnvelopeSchema>;

/** What an agent tells of its key that secrets are sealed to. */
export const sealingKeySchema = z.strictObject({
  /** Raw X25519, base64url. */
  publicKey: z.string().refine(bytes(SEALING_KEY_BYTES), { error: "expected a raw X25519 key in base64url" }),
  /** The agent's own Ed25519 signature of it (`sealingStatement`), base64url. */
  signature: z.string().refine(bytes(64), { error: "expected an Ed25519 signature in base64url" }),
});
export type SealingKey = z.infer<typeof sealingKeySchema>;
