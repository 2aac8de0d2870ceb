/** The version that is to be signed or verified, with a hash that is worked out here. */
import { readFileSync } from "node:fs";
import type { z } from "zod";
import { runbookSchema, runbookSummarySchema } from "#protocol/api/runbooks.ts";
import { signedVersionSchema } from "#protocol/api/signatures.ts";
import { digestOf } from "#protocol/digest.ts";
import { isId } from "#protocol/ids.ts";
import { parseRunbook } from "#protocol/runbook/parse.ts";
import type { Api } from "./api.ts";
import { EXIT, Failure } from "./failure.ts";

export interface Looked {
  runbookId: string;
  number: number;
  title: string;
  source: string;
  /** Of the source above: the server's own word for it is not taken. */
  hash: string;
  signatures: z.infer<typeof signedVersionSchema>["signatures"];
  /** The file that has the same content, where one was named. */
  file: string | undefined;
}

/**
 * @param what a runbook's id or exact title, or a Markdown file
 * @throws Failure when it is not there, or the server shows something else than the file has or its hash says
 */
export async function lookAt(api: Api, what: string, number: number | undefined): Promise<Looked> {
  const file = /\.(md|markdown)$/i.test(what) ? what : undefined;
  const own = file === undefined ? undefined : await readSource(readFile(file), file);
  const runbookId = await findRunbook(api, own?.title ?? what);
  const latest = async () => (await api.get(runbookSchema, `/runbooks/${runbookId}`)).data.latestVersion;
  const wanted = number ?? (await latest());
  const path = `/runbooks/${encodeURIComponent(runbookId)}/versions/${wanted}`;
  const { data: version } = await api.get(signedVersionSchema, path);
  const { title, hash } = await readSource(version.source, `version ${wanted}`);
  if (hash !== version.contentHash) {
    throw new Failure(
      `version ${wanted} has another hash (${version.contentHash}) than its source (${hash}): do not trust this server`,
    );
  }
  if (own && own.hash !== hash) {
    throw new Failure(
      `${file} is not version ${wanted} of "${title}": they have other contents. Publish the file, or name the version that it is`,
    );
  }
  const { source, signatures } = version;
  return { runbookId, number: wanted, title, source, hash, signatures, file };
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Failure(`cannot read ${path}: ${error instanceof Error ? error.message : error}`, EXIT.usage);
  }
}

async function readSource(source: string, name: string): Promise<{ title: string; hash: string }> {
  const parsed = parseRunbook(source);
  if (!parsed.ok) {
    const [issue] = parsed.issues;
    const line = issue?.line === undefined ? "" : ` line ${issue.line}:`;
    throw new Failure(`${name} is not a runbook:${line} ${issue?.message}`);
  }
  return { title: parsed.document.title, hash: await digestOf(parsed.document) };
}

async function findRunbook(api: Api, name: string): Promise<string> {
  if (isId("runbook", name)) return name;
  const runbooks = await api.all(runbookSummarySchema, "/runbooks");
  const [id, another] = runbooks.filter(({ title }) => title === name).map((each) => each.id);
  if (id === undefined) throw new Failure(`there is no runbook "${name}"`);
  if (another !== undefined) throw new Failure(`several runbooks are called "${name}"; name one by its id`);
  return id;
}
