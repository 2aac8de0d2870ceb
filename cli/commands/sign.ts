import { z } from "zod";
import { meSchema } from "#protocol/api/keys.ts";
import { versionSignatureSchema } from "#protocol/api/signatures.ts";
import { signStatement } from "#protocol/signatures/jws.ts";
import { Api } from "../api.ts";
import { EXIT, Failure } from "../failure.ts";
import { keyPath, loadSigner } from "../keyFile.ts";
import { confirmed, isInteractive, passphraseOf, say } from "../terminal.ts";
import { type Looked, lookAt } from "../version.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

const wholeNumber = (name: string) => {
  const error = `--${name} is a whole number, from 1`;
  return z.coerce.number({ error }).int({ error }).min(1, { error }).optional();
};

export const signFlags = z.object({
  version: wholeNumber("version"),
  expiresInDays: wholeNumber("expires-in-days"),
  key: z.string().optional(),
  yes: z.boolean().default(false),
});

/** Signs what is in a file, or what was shown and agreed to; never what the server merely names. */
export async function sign(what: string, flags: z.infer<typeof signFlags>): Promise<void> {
  const api = Api.of(process.env);
  const looked = await lookAt(api, what, flags.version);
  const { organization } = (await api.get(meSchema, "/me")).data;
  await agree(looked, organization.name, flags.yes);
  const signer = await loadSigner(keyPath(flags.key, process.env), () => passphraseOf(process.env));
  const { runbookId, number, hash } = looked;
  const signedAt = Date.now();
  const { expiresInDays } = flags;
  const signature = await signStatement(
    {
      type: "farhand.version.v1",
      ...{ organizationId: organization.id, runbookId, versionNumber: number, versionHash: hash, signedAt },
      ...(expiresInDays !== undefined && { expiresAt: signedAt + expiresInDays * DAY_MS }),
    },
    signer,
  );
  const path = `/runbooks/${encodeURIComponent(runbookId)}/versions/${number}/signatures`;
  await api.post(z.array(versionSignatureSchema), path, { signature });
  say(`signed version ${number} of "${looked.title}" (${hash})`);
}

/** Who has the file has seen it. Who has not is shown what he signs. */
async function agree({ title, number, source, hash, file }: Looked, organization: string, yes: boolean) {
  if (file !== undefined || yes) return;
  if (!isInteractive()) {
    throw new Failure(
      "nobody is there to look at it: name the Markdown file to sign it if it is the same, or say --yes",
      EXIT.usage,
    );
  }
  say(`${source.trimEnd()}\n`);
  say(`"${title}", version ${number}, of ${organization}\nSHA-256 ${hash}`);
  if (!(await confirmed("Sign this?"))) throw new Failure("not signed");
}
