/** What policies have to know of this host. */
import { realpathSync } from "node:fs";
import { userInfo } from "node:os";
import type { HostFacts } from "./judge.ts";

/** The account of this process; its number where it has none, as in some containers. */
export function ownAccount(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.());
  }
}

export const hostFacts: HostFacts = {
  user: ownAccount(),
  realFolder: (path) => {
    try {
      return realpathSync(path);
    } catch {
      return undefined;
    }
  },
};

/** @param stepUser as `HostFacts` has it */
export function hostFactsFor(stepUser: string | undefined): HostFacts {
  return { ...hostFacts, user: stepUser ?? hostFacts.user, stepUser };
}
