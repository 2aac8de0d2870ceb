import type { Actor } from "#protocol/actor.ts";
import { digestOf } from "#protocol/digest.ts";
import { newId } from "#protocol/ids.ts";
import { parseRunbook } from "#protocol/runbook/markdown.ts";
import type { NewVersion } from "../../db/repositories/runbooks.ts";
import { ApiError } from "../../errors.ts";

/** Turns a source into a version to be written. @throws ApiError `invalid_runbook` with line and column. */
export async function draftVersion(source: string, createdBy: Actor): Promise<NewVersion> {
  const parsed = parseRunbook(source);
  if (!parsed.ok) {
    const first = parsed.issues[0];
    const where = first?.line === undefined ? "" : `line ${first.line}: `;
    const detail = `The source is not a runbook: ${where}${first?.message ?? "it cannot be read"}`;
    throw new ApiError("invalid_runbook", detail, { issues: parsed.issues });
  }
  const { document } = parsed;
  return {
    id: newId("version"),
    source,
    document,
    contentHash: await digestOf(document),
    createdBy,
    now: new Date(),
  };
}
