/**
 * Who can change a file: whoever may write it, or any folder on the way to it.
 * A policy that the agent's own user can change is none, for its steps run as
 * that user.
 */
import { lstatSync, readlinkSync, realpathSync, type Stats } from "node:fs";
import { dirname, resolve } from "node:path";

/** What decides: the owner, and the permissions. */
export type Holding = Pick<Stats, "uid" | "mode"> & { path: string; isFolder: boolean };

/**
 * The file and every folder on the way to it, those that links lead through included.
 * @param path absolute
 * @throws system errors
 */
export function holdingsOf(path: string): Holding[] {
  const found = new Map<string, Holding>();
  const left = [path];
  const seen = new Set(left);
  for (let each = left.pop(); each !== undefined; each = left.pop()) {
    const stats = lstatSync(each);
    const next = [dirname(each)];
    // Whoever may replace a link may write its folder, which is looked at.
    if (stats.isSymbolicLink()) next.push(resolve(realpathSync(dirname(each)), readlinkSync(each)));
    else found.set(each, { path: each, uid: stats.uid, mode: stats.mode, isFolder: stats.isDirectory() });
    for (const other of next.filter((one) => !seen.has(one))) {
      seen.add(other);
      left.push(other);
    }
  }
  return [...found.values()];
}

/**
 * Why this is not out of reach of the steps, and what to do; undefined when it is.
 * @param own the user id of the agent
 * @param trustsOwn it may belong to the agent's own user, because somebody said so
 */
export function holdingProblem(
  holdings: readonly Holding[],
  own: number,
  trustsOwn: boolean,
): string | undefined {
  for (const { path, uid, mode, isFolder } of holdings) {
    const what = `${isFolder ? "the folder " : ""}${path}`;
    if (uid !== 0 && !(uid === own && trustsOwn)) {
      const whose =
        uid === own ? "belongs to the user that the agent and its steps run as" : `belongs to user ${uid}`;
      const advice = uid === own ? `, or start the agent with --own-policy on a machine of your own` : "";
      return `${what} ${whose}, who could change the policy: make it root's (chown root ${path})${advice}`;
    }
    // In a folder such as /tmp nobody renames or removes what is another's.
    const isSticky = isFolder && (mode & 0o1000) !== 0;
    if ((mode & 0o022) !== 0 && !isSticky) {
      const who = (mode & 0o002) !== 0 ? "anybody" : "its group";
      return `${what} can be changed by ${who}, and with it the policy: chmod go-w ${path}`;
    }
  }
  return undefined;
}
