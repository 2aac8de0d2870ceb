/** A policy that is in force: its rules, and how to name them to whoever is refused. */
import { findOrigin, type Origin, originAt } from "#protocol/runbook/origin.ts";
import { type PolicyRules, policySchema } from "./schema.ts";

export interface Policy {
  readonly rules: PolicyRules;
  /** SHA-256 of the file, hex; `default` where there is none. */
  readonly digest: string;
  /** Names a rule by where it stands, such as `policy.yaml:12 scripts.deny`. */
  at(...path: readonly (string | number)[]): string;
}

/** @param name of the file, as people see it */
export function policyOf(rules: PolicyRules, digest: string, name: string, origin: Origin): Policy {
  return {
    rules,
    digest,
    at: (...path) => {
      const words = path.filter((key) => typeof key === "string").join(".");
      const isWritten = findOrigin(origin, path.slice(0, 1)).isWritten;
      return isWritten ? `${name}:${findOrigin(origin, path).at.line} ${words}` : `${name} ${words}`;
    },
  };
}

/** In force where there is no file: what is in `policySchema` for keys that are absent. */
export const DEFAULT_POLICY: Policy = policyOf(
  policySchema.parse({}),
  "default",
  "default policy,",
  originAt({ line: 0, column: 0 }),
);
