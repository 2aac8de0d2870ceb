/** What several commands are told, by their command line or their environment. */
import { statSync } from "node:fs";
import { z } from "zod";
import { text, yes } from "./commands/command.ts";
import { errorCode, noFolderWords } from "./files.ts";
import { LOG_FORMATS, LOG_LEVELS } from "./log.ts";
import { DEFAULT_POLICY_PATH, defaultStateDirectory } from "./paths.ts";
import type { PolicySource } from "./policy/load.ts";
import { DEFAULT_INSTALLATION } from "./update/installation.ts";

export type Environment = Record<string, string | undefined>;

/** The origin of a control plane: assertions are made out to it, so nothing else may stand in it. */
export const urlSchema = z
  .string({ error: "say where the control plane is: --url https://…" })
  .transform((given, context) => {
    const url = URL.parse(given);
    const problem = urlProblem(url, given);
    if (!url || problem) {
      context.addIssue({ code: "custom", message: problem ?? "not a URL" });
      return z.NEVER;
    }
    return url.origin;
  });

function urlProblem(url: URL | null, given: string): string | undefined {
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) {
    return `"${given}" is not an address like https://farhand.example.com`;
  }
  if (url.username || url.password) return "the address of the control plane may not hold a password";
  if (url.pathname !== "/" || url.search || url.hash) {
    return `give the address of the control plane without a path: ${url.origin}`;
  }
  return undefined;
}

/** True for a host name, as URL has it, that never leaves this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

export const slotsSchema = z.coerce
  .number({ error: "slots must be a whole number from 1 to 1024" })
  .int({ error: "slots must be a whole number from 1 to 1024" })
  .min(1, { error: "slots must be at least 1" })
  .max(1024, { error: "slots must be at most 1024" });

/** A path, or another word that is taken as it is. */
export const word = z.string().optional();

/** One that this user may not look at is told by whoever needs it. */
function isFolderOrNone(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    return errorCode(error) !== "ENOTDIR";
  }
}

/** Of every command that looks into the state directory. */
export const LOCAL_OPTIONS = {
  state: text(
    z
      .string()
      .default(() => defaultStateDirectory(process.env, process.getuid?.() === 0))
      .refine((path) => isFolderOrNone(path), { error: ({ input }) => noFolderWords(String(input)) }),
    "FARHAND_STATE_DIR",
  ),
  logFormat: text(
    z.enum(LOG_FORMATS, { error: `log format must be ${LOG_FORMATS.join(" or ")}` }).default("json"),
    "FARHAND_LOG_FORMAT",
  ),
  logLevel: text(
    z.enum(LOG_LEVELS, { error: `log level must be one of ${LOG_LEVELS.join(", ")}` }).default("info"),
    "FARHAND_LOG_LEVEL",
  ),
};

/** Of every command that reads the policy. */
export const POLICY_OPTIONS = {
  policy: text(word, "FARHAND_POLICY"),
  ownPolicy: yes("FARHAND_OWN_POLICY"),
};

/** The folder with the versions of the agent, where it replaces itself. */
export const INSTALLATION = text(z.string().default(DEFAULT_INSTALLATION), "FARHAND_INSTALLATION");

/** Which file holds the policy, by flag, environment or custom. */
export function policySource({
  policy,
  ownPolicy,
}: {
  policy: string | undefined;
  ownPolicy: boolean;
}): PolicySource {
  return { path: policy ?? DEFAULT_POLICY_PATH, isNamed: policy !== undefined, trustsOwn: ownPolicy };
}
