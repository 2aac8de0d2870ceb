/** What policies have to know of this host. */
import { realpathSync } from "node:fs";
import { userInfo } from "node:os";
import type { HostFacts } from "./judge.ts";

export const hostFacts: HostFacts = {
  user: userInfo().username,
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
