/**
 * An installation that can be replaced: a folder of root's with one folder for
 * each version, and two links. `current` is the version that the service runs;
 * `proven` is the last one that has connected, and the one whose program acts
 * for root. Only root writes here; the agent reads.
 */
import { readFileSync, readlinkSync, realpathSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isSea } from "node:sea";
import { z } from "zod";
import { errorCode, syncDirectory, writeFileAtomically } from "../files.ts";

export const DEFAULT_INSTALLATION = "/opt/farhand";

export interface Installation {
  root: string;
  /** What root takes in, out of reach of the agent. */
  incoming: string;
  /** There while a version is on trial. */
  trial: string;
  /** What came of the last tries. */
  report: string;
  lock: string;
}

export function installationAt(root: string): Installation {
  return {
    root,
    incoming: join(root, ".incoming"),
    trial: join(root, "trial.json"),
    report: join(root, "report.json"),
    lock: join(root, "lock"),
  };
}

export type LinkName = "current" | "proven";

/** The version that a link names; undefined when there is none. */
export function linkedVersion({ root }: Installation, name: LinkName): string | undefined {
  try {
    return basename(readlinkSync(join(root, name)));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Turns a link to another version: at every moment it is there and leads to one of the two. */
export function turnLink({ root }: Installation, name: LinkName, version: string): void {
  const draft = join(root, `${name}.new`);
  rmSync(draft, { force: true });
  symlinkSync(version, draft);
  renameSync(draft, join(root, name));
  syncDirectory(root);
}

/** The file that this process was started from. */
export function ownProgram(): string {
  return isSea() ? process.execPath : realpathSync(process.argv[1] ?? "");
}

/** Whether a program is the one that `current` leads to. */
export function isCurrent(installation: Installation, program: string): boolean {
  try {
    return realpathSync(join(installation.root, "current")) === dirname(program);
  } catch {
    return false;
  }
}

const trialSchema = z.object({
  /** Names this trial to the version that is on it. */
  id: z.string(),
  version: z.string(),
  /** Where to go back to. */
  from: z.string(),
  /** How often it was taken up; a host that goes down with it takes it up again and again. */
  begun: z.number().int(),
  /** Decided: it goes back, for this reason. */
  back: z.string().optional(),
});
export type Trial = z.infer<typeof trialSchema>;

const reportSchema = z.object({
  /** The request that was dealt with last, and what came of it. */
  last: z
    .object({
      request: z.string(),
      version: z.string(),
      outcome: z.enum(["installed", "went_back", "refused"]),
      reason: z.string().optional(),
      /** ISO 8601. */
      at: z.string(),
    })
    .optional(),
  /** Versions that did not come up here. */
  failed: z.array(z.object({ version: z.string(), reason: z.string(), at: z.string() })),
});
export type Report = z.infer<typeof reportSchema>;

export function readTrial({ trial }: Installation): Trial | undefined {
  return readJson(trial, trialSchema);
}

export function writeTrial({ trial }: Installation, what: Trial): void {
  writeFileAtomically(trial, `${JSON.stringify(what)}\n`, 0o644);
}

export function endTrial({ root, trial }: Installation): void {
  rmSync(trial, { force: true });
  syncDirectory(root);
}

export function readReport({ report }: Installation): Report {
  return readJson(report, reportSchema) ?? { failed: [] };
}

export function writeReport({ report }: Installation, what: Report): void {
  writeFileAtomically(report, `${JSON.stringify(what, null, 2)}\n`, 0o644);
}

/** What a file says; undefined when there is none, or it says something else. */
export function readJson<T>(path: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined;
  }
}
