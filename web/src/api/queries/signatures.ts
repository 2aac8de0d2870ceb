import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import {
  type SigningKey,
  signingKeySchema,
  type VersionSignature,
  versionSignatureSchema,
} from "#protocol/api/signatures.ts";
import { signStatement } from "#protocol/signatures/jws.ts";
import { type BrowserKey, type KeyOwner, loadBrowserKey } from "../../signing/browserKey.ts";
import { apiPath, command, request } from "../client.ts";

export const signingKeyKeys = { all: ["signing-keys"], own: ["browser-key"] } as const;

export const signingKeysQuery = queryOptions({
  queryKey: signingKeyKeys.all,
  queryFn: async ({ signal }) =>
    (await request(`${apiPath("signing-keys")}?limit=100`, z.array(signingKeySchema), { signal })).data,
});

/** The key of this browser; null when it has none. */
export const browserKeyQuery = (owner: KeyOwner | undefined) =>
  queryOptions({
    queryKey: [...signingKeyKeys.own, owner?.organizationId, owner?.userId],
    // A browser that keeps nothing has no key.
    queryFn: () => (owner ? loadBrowserKey(owner).catch(() => null) : null),
    enabled: owner !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });

export async function registerSigningKey(
  organizationId: string,
  name: string,
  key: BrowserKey,
): Promise<SigningKey> {
  const { publicKey, fingerprint: thumbprint } = key;
  const proof = await signStatement(
    { type: "farhand.key.v1", organizationId, name, thumbprint, signedAt: Date.now() },
    key,
  );
  const body = { publicKey, proof };
  return (await request(apiPath("signing-keys"), signingKeySchema, { method: "POST", body })).data;
}

export function revokeSigningKey(id: string): Promise<void> {
  return command(apiPath("signing-keys", id), { method: "DELETE" });
}

export async function signVersion(
  runbookId: string,
  number: number,
  signature: string,
): Promise<VersionSignature[]> {
  const path = apiPath("runbooks", runbookId, "versions", number, "signatures");
  const options = { method: "POST", body: { signature } } as const;
  return (await request(path, z.array(versionSignatureSchema), options)).data;
}
