/** Who works in a state folder: its owner, and never root in the place of another. */
import { statSync } from "node:fs";
import { userInfo } from "node:os";
import process from "node:process";

/**
 * Has a command that root calls go on as the owner of the state folder. What root
 * wrote there the agent could not read; and whoever owns the folder, which steps
 * do that run as the agent's user, could have put a link in it to any file of the
 * host. For good: a command that still needs root must not call this.
 */
export function actAsOwner(state: string): void {
  if (process.geteuid?.() !== 0) return;
  const owner = statSync(state, { throwIfNoEntry: false });
  if (!owner || owner.uid === 0) return;
  const gid = groupOf(owner.uid) ?? owner.gid;
  process.setgroups?.([gid]);
  process.setgid?.(gid);
  process.setuid?.(owner.uid);
}

/** The group of an account; undefined for an id that has none, as in a container. */
function groupOf(uid: number): number | undefined {
  process.seteuid?.(uid);
  try {
    return userInfo().gid;
  } catch {
    return undefined;
  } finally {
    process.seteuid?.(0);
  }
}
