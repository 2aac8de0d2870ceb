/** Keys that people sign with, and what they sign. */
import { z } from "zod";
import type { Runbook } from "#protocol/api/runbooks.ts";
import { signingKeySchema, versionSignatureSchema } from "#protocol/api/signatures.ts";
import { type Signer, signStatement } from "#protocol/signatures/jws.ts";
import { thumbprintOf } from "#protocol/signatures/keys.ts";
import { generateSigningKey, signerOf } from "#protocol/signatures/webCrypto.ts";
import type { Tenant } from "./tenant.ts";

/** A key of the tenant's person, made and registered as a browser does it. */
export async function registerSigner(tenant: Tenant, name: string): Promise<Signer> {
  const signer = signerOf(await generateSigningKey("ES256"));
  const { publicKey } = signer;
  const proof = await signStatement(
    {
      type: "farhand.key.v1",
      ...{ organizationId: tenant.organizationId, name },
      ...{ thumbprint: await thumbprintOf(publicKey), signedAt: Date.now() },
    },
    signer,
  );
  const body = { publicKey, proof };
  await tenant.session.call(signingKeySchema, "POST", "/signing-keys", { body });
  return signer;
}

/** Signs the latest version of a runbook as its author. */
export async function signVersion(tenant: Tenant, runbook: Runbook, signer: Signer): Promise<void> {
  const { id: runbookId, version } = runbook;
  const { number: versionNumber, contentHash: versionHash } = version;
  const { organizationId } = tenant;
  const signature = await signStatement(
    {
      type: "farhand.version.v1",
      ...{ organizationId, runbookId, versionNumber, versionHash, signedAt: Date.now() },
    },
    signer,
  );
  const path = `/runbooks/${runbookId}/versions/${versionNumber}/signatures`;
  await tenant.session.call(z.array(versionSignatureSchema), "POST", path, { body: { signature } });
}
