/** How an agent's version stands to the one that its pool wants, in words. */
import type { Presence } from "#protocol/api/pools.ts";
import { isNewer } from "#protocol/update.ts";

export interface VersionLook {
  /** Beside the agent's name. */
  badge: string;
  /** Why it is as it is, or what comes next. */
  words: string;
}

/** Undefined when there is nothing to say: it has the version, or is ahead of it. */
export function versionLook({ agentVersion, wantedVersion, update }: Presence): VersionLook | undefined {
  if (!update || wantedVersion === undefined || !isNewer(wantedVersion, agentVersion)) return undefined;
  const badge = `${wantedVersion} available`;
  const { mode, pin, window, installs, problem } = update;
  if (problem?.version === wantedVersion) {
    return { badge, words: `${wantedVersion} did not come to stay: ${problem.reason}.` };
  }
  if (mode === "off") return { badge, words: "The policy of its host has updates off." };
  if (pin !== undefined && pin !== wantedVersion)
    return { badge, words: `The policy of its host pins ${pin}.` };
  if (mode === "notify") {
    return { badge, words: "By the policy of its host a person installs it: farhand-agent update --now" };
  }
  if (!installs) {
    return {
      badge,
      words: "It cannot replace itself there: replace the container, the package or the file.",
    };
  }
  if (window !== undefined) return { badge, words: `It is installed in the host's window: ${window}.` };
  return { badge, words: "It is installed when what runs there has ended." };
}
