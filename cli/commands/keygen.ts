import { z } from "zod";
import { thumbprintOf } from "#protocol/signatures/keys.ts";
import { createKeyFile, KEY_KINDS, keyPath } from "../keyFile.ts";
import { passphraseOf, say } from "../terminal.ts";

export const keygenFlags = z.object({
  out: z.string().optional(),
  kind: z.enum(KEY_KINDS, { error: "a key is of the kind ed25519 or p256" }).default("ed25519"),
  passphrase: z.boolean().default(false),
});

/** Makes a key to sign with. The private half stays in its file. */
export async function keygen(flags: z.infer<typeof keygenFlags>): Promise<void> {
  const path = keyPath(flags.out, process.env);
  const passphrase = flags.passphrase ? await passphraseOf(process.env) : undefined;
  const publicKey = createKeyFile(path, flags.kind, passphrase);
  say(`private key:  ${path}`);
  say(`public key:   ${publicKey}`);
  say(`fingerprint:  ${await thumbprintOf(publicKey)}`);
}
