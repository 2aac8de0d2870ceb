import { z } from "zod";
import { meSchema } from "#protocol/api/keys.ts";
import { readSignature } from "#protocol/signatures/jws.ts";
import { publicKeySchema, thumbprintOf } from "#protocol/signatures/keys.ts";
import { isSignedBy } from "#protocol/signatures/webCrypto.ts";
import { Api } from "../api.ts";
import { EXIT, Failure } from "../failure.ts";
import { say } from "../terminal.ts";
import { type Looked, lookAt } from "../version.ts";
import { signFlags } from "./sign.ts";

export const verifyFlags = z.object({
  version: signFlags.shape.version,
  trust: z.array(publicKeySchema).min(1, { error: "name the keys that count: --trust PUBLICKEY" }),
});

/** Says which of the named keys signed a version. @throws Failure when none did */
export async function verify(what: string, flags: z.infer<typeof verifyFlags>): Promise<void> {
  const api = Api.of(process.env);
  const looked = await lookAt(api, what, flags.version);
  const organizationId = (await api.get(meSchema, "/me")).data.organization.id;
  const trusted = new Map<string, string>();
  for (const key of flags.trust) trusted.set(await thumbprintOf(key), key);
  let count = 0;
  for (const { signature } of looked.signatures) {
    const fingerprint = await signerOf(signature, looked, organizationId, trusted);
    if (fingerprint === undefined) continue;
    count += 1;
    say(`version ${looked.number} of "${looked.title}" is signed by ${fingerprint}`);
  }
  if (count === 0) {
    throw new Failure(
      `none of these keys signed version ${looked.number} of "${looked.title}" (${looked.hash})`,
      EXIT.failed,
    );
  }
}

/** The fingerprint of the trusted key that signed exactly this, and for now. */
async function signerOf(
  signature: string,
  { runbookId, number, hash }: Looked,
  organizationId: string,
  trusted: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const reading = readSignature(signature);
  if (!reading.ok) return undefined;
  const { statement, kid } = reading.read;
  const key = trusted.get(kid);
  const isThis =
    statement.type === "farhand.version.v1" &&
    statement.organizationId === organizationId &&
    statement.runbookId === runbookId &&
    statement.versionNumber === number &&
    statement.versionHash === hash &&
    (statement.expiresAt === undefined || statement.expiresAt > Date.now());
  return key !== undefined && isThis && (await isSignedBy(reading.read, key)) ? kid : undefined;
}
