/** The policy file of this host. */
import { lstatSync } from "node:fs";
import { resolve } from "node:path";
import { EXIT, Failure } from "../failure.ts";
import { errorCode } from "../files.ts";
import { wordsOf } from "../log.ts";
import { readBoundedRegularFile, WRITTEN_MAX_BYTES } from "../reading.ts";
import { holdingProblem, holdingsOf } from "./ownership.ts";
import { parsePolicy } from "./parse.ts";
import { DEFAULT_POLICY, type Policy } from "./policy.ts";

export interface PolicySource {
  /** Of the file. */
  path: string;
  /** It has to be there: somebody named it, or it was there before. */
  isNamed: boolean;
  /** It may belong to the agent's own user. */
  trustsOwn: boolean;
}

/**
 * Reads the policy; the default one when there is no file and none was named.
 * @throws Failure when it cannot be read, does not parse, or the wrong people can change it
 */
export function loadPolicy({ path: given, isNamed, trustsOwn }: PolicySource): Policy {
  const path = resolve(given);
  let bytes: Buffer;
  let problem: string | undefined;
  try {
    if (!isNamed && lstatSync(path, { throwIfNoEntry: false }) === undefined) return DEFAULT_POLICY;
    bytes = readBoundedRegularFile(path, { what: `the policy ${path}`, maxBytes: WRITTEN_MAX_BYTES });
    problem = holdingProblem(holdingsOf(path), process.getuid?.() ?? 0, trustsOwn);
  } catch (error) {
    throw unusable(error instanceof Failure ? error.message : readWords(error, path));
  }
  if (problem !== undefined) throw unusable(problem);
  const parsed = parsePolicy(bytes, path);
  if (!parsed.ok) throw unusable(["the policy cannot be used:", ...parsed.problems].join("\n  "));
  return parsed.policy;
}

function unusable(words: string): Failure {
  return new Failure(words, EXIT.usage);
}

function readWords(error: unknown, path: string): string {
  switch (errorCode(error)) {
    case "ENOENT":
      return `there is no policy at ${path}: write one, or start the agent without --policy for the default`;
    case "EACCES":
      return `the policy ${path} cannot be read by the user that the agent runs as: chmod a+r ${path}, and a+x for the folders on the way`;
    default:
      return `the policy ${path} cannot be read: ${wordsOf(error)}`;
  }
}
