/**
 * A signed statement as text: a JWS in compact form (RFC 7515) with nothing
 * left open. Header and statement have to be exactly the canonical JSON of
 * what they are read as, so there is one way to write each: no second key of
 * one name, no `crit`, `b64`, `jwk`, `jku` or `x5u`, no spelling to play with.
 * `kid` selects among keys that the verifier knows already, and the key says
 * which algorithm counts.
 */
import { z } from "zod";
import { fromBase64url, toBase64url } from "../base64url.ts";
import { canonicalJson } from "../digest.ts";
import { type Algorithm, algorithmOf, thumbprintOf, thumbprintSchema } from "./keys.ts";
import { type Statement, statementSchema } from "./statements.ts";

/** Most characters of a signature. */
const SIGNATURE_MAX = 4_096;

export const signatureSchema = z.string().max(SIGNATURE_MAX);

const headerSchema = z.strictObject({
  alg: z.enum(["EdDSA", "ES256"], { error: "the algorithm is neither EdDSA nor ES256" }),
  kid: thumbprintSchema,
  typ: z.literal("farhand+jws"),
});

export interface ReadSignature {
  statement: Statement;
  algorithm: Algorithm;
  /** The thumbprint of the key that it claims to be of. */
  kid: string;
  /** What the signature has to be of. */
  signed: Uint8Array<ArrayBuffer>;
  signature: Uint8Array<ArrayBuffer>;
}

export type SignatureReading = { ok: true; read: ReadSignature } | { ok: false; problem: string };

/** Who holds a private key, wherever that is. */
export interface Signer {
  publicKey: string;
  /** The raw signature: 64 bytes for either kind of key. */
  sign(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
}

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(new TextEncoder().encode(text));

export async function signStatement(statement: Statement, signer: Signer): Promise<string> {
  const kid = await thumbprintOf(signer.publicKey);
  const header = { alg: algorithmOf(signer.publicKey), kid, typ: "farhand+jws" };
  const signed = `${part(header)}.${part(statement)}`;
  return `${signed}.${toBase64url(await signer.sign(bytesOf(signed)))}`;
}

/** Reads a signature without verifying it; a problem is in words that go on from "the signature". */
export function readSignature(text: string): SignatureReading {
  const problem = (words: string) => ({ ok: false, problem: words }) as const;
  if (text.length > SIGNATURE_MAX) return problem("is too long");
  const [head, body, tail, ...more] = text.split(".");
  if (!head || !body || !tail || more.length > 0) return problem("does not have three parts");
  const header = readPart(headerSchema, head);
  if (!header.ok) return problem(`has a header that is not allowed: ${header.problem}`);
  const statement = readPart(statementSchema, body);
  if (!statement.ok) return problem(`is over something else: ${statement.problem}`);
  const signature = fromBase64url(tail);
  if (signature?.length !== 64) return problem("is not 64 bytes in base64url");
  const { alg: algorithm, kid } = header.value;
  const signed = bytesOf(`${head}.${body}`);
  return { ok: true, read: { statement: statement.value, algorithm, kid, signed, signature } };
}

function part(value: unknown): string {
  return toBase64url(bytesOf(canonicalJson(value)));
}

function readPart<T>(
  schema: z.ZodType<T>,
  text: string,
): { ok: true; value: T } | { ok: false; problem: string } {
  const bytes = fromBase64url(text);
  if (!bytes) return { ok: false, problem: "it is not base64url" };
  let data: unknown;
  try {
    data = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return { ok: false, problem: "it is not JSON" };
  }
  const parsed = schema.safeParse(data);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { ok: false, problem: [issue?.path.join("."), issue?.message].filter(Boolean).join(": ") };
  }
  // A second key of one name, another order, spaces: all of them are lost in reading and show here.
  if (part(parsed.data) !== text) return { ok: false, problem: "it is not in canonical form" };
  return { ok: true, value: parsed.data };
}
