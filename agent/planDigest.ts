import { createHash } from "node:crypto";
import { canonicalJson } from "#protocol/digest.ts";
import type { Plan } from "#protocol/plan.ts";

const digests = new WeakMap<Plan, string>();

/** The plan digest, worked out here and once: nobody's word is taken for it. */
export function digestOfPlan(plan: Plan): string {
  const known = digests.get(plan);
  if (known !== undefined) return known;
  const digest = createHash("sha256").update(canonicalJson(plan)).digest("hex");
  digests.set(plan, digest);
  return digest;
}
