import { z } from "zod";
import { meSchema } from "#protocol/api/keys.ts";
import { signingKeySchema } from "#protocol/api/signatures.ts";
import { signStatement } from "#protocol/signatures/jws.ts";
import { thumbprintOf } from "#protocol/signatures/keys.ts";
import { Api } from "../api.ts";
import { keyPath, loadSigner } from "../keyFile.ts";
import { passphraseOf, say } from "../terminal.ts";

export const registerFlags = z.object({
  name: z.string({ error: "say whose key it is: --name NAME" }).trim().min(1).max(100),
  key: z.string().optional(),
});

/** Tells the organization the public half of a key, with proof that the private half is here. */
export async function register(flags: z.infer<typeof registerFlags>): Promise<void> {
  const api = Api.of(process.env);
  const signer = await loadSigner(keyPath(flags.key, process.env), () => passphraseOf(process.env));
  const { organization } = (await api.get(meSchema, "/me")).data;
  const proof = await signStatement(
    {
      type: "farhand.key.v1",
      ...{ organizationId: organization.id, name: flags.name },
      ...{ thumbprint: await thumbprintOf(signer.publicKey), signedAt: Date.now() },
    },
    signer,
  );
  const body = { publicKey: signer.publicKey, proof };
  const { fingerprint } = await api.post(signingKeySchema, "/signing-keys", body);
  say(`registered "${flags.name}" with ${organization.name}: ${fingerprint}`);
}
