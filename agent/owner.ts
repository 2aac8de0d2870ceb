/** Who works in a state folder: its owner, and never root in the place of another. */
import { statSync } from "node:fs";
import { userInfo } from "node:os";
import process from "node:process";
import { Failure } from "./failure.ts";
import { errorCode } from "./files.ts";

/**
 * Has a command that root calls go on as the owner of the state folder. What root
 * wrote there the agent could not read; and whoever owns the folder, which steps
 * do that run as the agent's user, could have put a link in it to any file of the
 * host. For good: a command that still needs root must not call this.
 * @throws Failure where root may not, as in some containers
 */
export function actAsOwner(state: string): void {
  if (process.geteuid?.() !== 0) return;
  const owner = statSync(state, { throwIfNoEntry: false });
  if (!owner || owner.uid === 0) return;
  try {
    become(owner);
  } catch (error) {
    throw new Failure(
      `${state} belongs to the user ${owner.uid}, and this root may not act as that user (${errorCode(error) ?? "unknown error"}): run as the user that it belongs to`,
    );
  }
}

function become({ uid, gid: ofFolder }: { uid: number; gid: number }): void {
  const gid = groupOf(uid) ?? ofFolder;
  process.setgroups?.([gid]);
  process.setgid?.(gid);
  process.setuid?.(uid);
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
