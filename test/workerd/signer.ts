/** Somebody with a key of his own, as a browser or the command line makes one. */
import type { Version } from "#protocol/api/runbooks.ts";
import { signingKeySchema } from "#protocol/api/signatures.ts";
import { type Signer, signStatement } from "#protocol/signatures/jws.ts";
import { thumbprintOf } from "#protocol/signatures/keys.ts";
import type { VersionStatement } from "#protocol/signatures/statements.ts";
import { generateSigningKey, signerOf } from "#protocol/signatures/webCrypto.ts";
import { type Answer, call, dataOf, type Person, type RequestOptions } from "./harness.ts";

type Owner = Pick<Person, "organizationId"> & RequestOptions;

export async function newSigner(): Promise<Signer> {
  return signerOf(await generateSigningKey("EdDSA"));
}

export async function register(
  { organizationId, ...credentials }: Owner,
  signer: Signer,
  name: string,
  signedAt = Date.now(),
): Promise<Answer> {
  const thumbprint = await thumbprintOf(signer.publicKey);
  const proof = await signStatement(
    { type: "farhand.key.v1", organizationId, name, thumbprint, signedAt },
    signer,
  );
  const body = { publicKey: signer.publicKey, proof };
  return call("/api/v1/signing-keys", { ...credentials, method: "POST", body });
}

export async function registeredSigner(owner: Owner, name: string): Promise<Signer & { id: string }> {
  const signer = await newSigner();
  const { id } = dataOf(await register(owner, signer, name), signingKeySchema);
  return { ...signer, id };
}

export async function signVersion(
  { organizationId, ...credentials }: Owner,
  { runbookId, number, contentHash }: Pick<Version, "runbookId" | "number" | "contentHash">,
  signer: Signer,
  more: Partial<VersionStatement> = {},
): Promise<Answer> {
  const signature = await signStatement(
    {
      type: "farhand.version.v1",
      ...{ organizationId, runbookId, versionNumber: number, versionHash: contentHash },
      signedAt: Date.now(),
      ...more,
    },
    signer,
  );
  const path = `/api/v1/runbooks/${runbookId}/versions/${number}/signatures`;
  return call(path, { ...credentials, method: "POST", body: { signature } });
}
