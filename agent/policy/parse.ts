/** Reads the text of a policy. Pure. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { parseYamlFile } from "../yamlFile.ts";
import { type Policy, policyOf } from "./policy.ts";
import { policySchema } from "./schema.ts";

export type ParsedPolicy =
  | { ok: true; policy: Policy }
  /** Each as `policy.yaml:3:5 what is wrong`. */
  | { ok: false; problems: string[] };

/** @param path of the file; people see its last part */
export function parsePolicy(bytes: Uint8Array, path: string): ParsedPolicy {
  const parsed = parseYamlFile(bytes, path, policySchema, "a policy");
  if (!parsed.ok) return parsed;
  const digest = createHash("sha256").update(bytes).digest("hex");
  return { ok: true, policy: policyOf(parsed.data, digest, basename(path), parsed.origin) };
}
