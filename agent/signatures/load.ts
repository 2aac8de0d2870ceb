import { readFileSync } from "node:fs";
import { EXIT, Failure } from "../failure.ts";
import { errorCode } from "../files.ts";
import { pinKeys } from "./pinned.ts";
import { NO_SIGNATURES, type SignatureRequirement, signatureRequirementSchema } from "./requirement.ts";

/**
 * Reads whose signatures this host asks for: JSON with `by` and `keys`. Without
 * a file it asks for none.
 * @throws Failure with what is wrong with the file: an agent that is to ask does not start without knowing whom
 */
export function loadRequirement(path: string | undefined): SignatureRequirement {
  if (path === undefined) return NO_SIGNATURES;
  const refuse = (words: string) => new Failure(`${path}: ${words}`, EXIT.usage);
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const code = errorCode(error);
    throw refuse(code ? `cannot be read (${code})` : "is not JSON");
  }
  const parsed = signatureRequirementSchema.safeParse(data);
  if (!parsed.success) {
    const words = parsed.error.issues.map((issue) =>
      [issue.path.join("."), issue.message].filter(Boolean).join(": "),
    );
    throw refuse(words.join("; "));
  }
  try {
    pinKeys(parsed.data);
  } catch {
    throw refuse("one of the public keys is no key");
  }
  return parsed.data;
}
