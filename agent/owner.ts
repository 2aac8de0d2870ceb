/** Who works in a state folder: its owner, and never root in the place of another. */
import { type Stats, statSync } from "node:fs";
import { type UserInfo, userInfo } from "node:os";
import process from "node:process";
import { EXIT, Failure } from "./failure.ts";
import { errorCode } from "./files.ts";
import { invocation, shellWord } from "./invocation.ts";

/**
 * Has a command that root calls go on as the owner of the state folder. What root
 * wrote there the agent could not read; and whoever owns the folder, which steps
 * do that run as the agent's user, could have put a link in it to any file of the
 * host. For good: a command that still needs root must not call this.
 * @throws Failure where root may not, as in some containers
 */
export function actAsOwner(state: string): void {
  const owner = otherOwner(state);
  if (!owner) return;
  try {
    become(owner);
  } catch (error) {
    throw new Failure(
      `${state} belongs to the user ${owner.uid}, and this root may not act as that user (${errorCode(error) ?? "unknown error"}): run as the user that it belongs to`,
    );
  }
}

/**
 * For the command that runs an agent, which does not go on as the owner: whoever starts
 * an agent as root wants it to be able to do what root can, and then it could not.
 * @throws Failure (78) when this is root, and the state folder another user's
 */
export function requireOwnState(state: string): void {
  const owner = otherOwner(state);
  if (!owner) return;
  const name = accountOf(owner.uid)?.username;
  const user = shellWord(name ?? `#${owner.uid}`);
  const who = name === undefined ? owner.uid : `${name} (${owner.uid})`;
  throw new Failure(
    `${state} belongs to the user ${who}, whose agent could not replace what root writes there: run "sudo -u ${user} ${invocation()} run --state ${shellWord(state)}", or have the container run as that user`,
    EXIT.config,
  );
}

/** Who owns a folder; undefined when this is not root, or it is root's. */
function otherOwner(state: string): Stats | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const owner = statSync(state, { throwIfNoEntry: false });
  return owner?.uid === 0 ? undefined : owner;
}

function become({ uid, gid: ofFolder }: { uid: number; gid: number }): void {
  const gid = accountOf(uid)?.gid ?? ofFolder;
  process.setgroups?.([gid]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

/** The account of an id; undefined where it has none, as in a container. */
function accountOf(uid: number): UserInfo<string> | undefined {
  try {
    process.seteuid?.(uid);
    return userInfo();
  } catch {
    return undefined;
  } finally {
    process.seteuid?.(0);
  }
}
