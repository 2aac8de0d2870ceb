/** The policy that a running agent goes by, beside the file that it came from, which may have changed since. */
import { resolve } from "node:path";
import { wordsOf } from "../log.ts";
import { loadPolicy, type PolicySource } from "./load.ts";
import type { Policy } from "./policy.ts";

export interface PolicyInForce {
  /** SHA-256 of the file as it was read last; `default` where there was none. */
  digest: string;
  /** Absolute. */
  path: string;
  /** What reading the file again would come to. */
  onDisk: { digest: string } | { problem: string };
}

/** Where the policy is read again: a file that is gone for a moment, while it is replaced, must not leave the host without its rules. */
export function sourceAgain({ digest }: Policy, source: PolicySource): PolicySource {
  return { ...source, isNamed: source.isNamed || digest !== "default" };
}

/** Looks at the file, by this process's rights; changes nothing. */
export function policyInForce(policy: Policy, source: PolicySource): PolicyInForce {
  const path = resolve(source.path);
  try {
    const { digest } = loadPolicy(sourceAgain(policy, source));
    return { digest: policy.digest, path, onDisk: { digest } };
  } catch (error) {
    return { digest: policy.digest, path, onDisk: { problem: wordsOf(error) } };
  }
}

/** What is to be said of the file, beside what is in force; undefined while they are the same. */
export function changeWords({ digest, onDisk }: PolicyInForce, pid: number): string | undefined {
  if ("problem" in onDisk) {
    return `the file cannot be used now, and the one from before stays in force: ${onDisk.problem}`;
  }
  if (onDisk.digest === digest) return undefined;
  return `the file is ${onDisk.digest} by now, changed since and not read yet: systemctl reload farhand-agent (or kill -HUP ${pid})`;
}
