/** What agents and pools tell each other about the version that an agent should have. */
import { z } from "zod";
import { compareVersions, releaseVersionSchema } from "./release.ts";

/** What the policy of a host lets its agent do about a newer version. */
export const UPDATE_MODES = ["off", "notify", "auto"] as const;

/** Told in `hello`: what the host's policy allows, and what came of the last try. */
export const agentUpdateSchema = z.strictObject({
  mode: z.enum(UPDATE_MODES),
  /** When it may, by the host's clock, such as `sat-sun 22:00-06:00`. */
  window: z.string().max(64).optional(),
  /** The only version that may be installed. */
  pin: z.string().max(64).optional(),
  /** It was installed in a way in which it can be replaced: not so in a container or as a package of the system. */
  installs: z.boolean(),
  /** The last version that did not come to stay, and why. */
  problem: z.strictObject({ version: z.string().max(64), reason: z.string().max(300) }).optional(),
});
export type AgentUpdate = z.infer<typeof agentUpdateSchema>;

/** The version that the agents of a pool should have: the newest release, a certain one, or whatever they have. */
export const poolAgentVersionSchema = z.union([z.enum(["latest", "any"]), releaseVersionSchema], {
  error: "must be latest, any, or a version like 1.4.0",
});

/** Whether going from one version to the other is a step forward; false where one of them is no release. */
export function isNewer(version: string, current: string): boolean {
  if ([version, current].some((each) => !releaseVersionSchema.safeParse(each).success)) return false;
  return compareVersions(version, current) > 0;
}
