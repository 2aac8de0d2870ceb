/** Where things lie in the agent's state directory. */
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where the policy of a host lies unless it is said otherwise. */
export const DEFAULT_POLICY_PATH = "/etc/farhand/policy.yaml";

export interface StatePaths {
  root: string;
  identity: string;
  /** The key that the agent is going over to, while it is. */
  nextKey: string;
  /** How often it has tried to connect. */
  connects: string;
  /** Where a running agent answers questions. */
  socket: string;
  /** There while the agent takes no new work. */
  draining: string;
  lock: string;
  journal: string;
  spool: string;
  plans: string;
  pipes: string;
  /** The agent's own store of secrets. */
  secrets: string;
  /** The key that secrets are sealed to, and what came in sealed. */
  sealingKey: string;
  sealed: string;
  /** Working directories of executions. */
  executions: string;
}

export function statePaths(root: string, executions: string = join(root, "executions")): StatePaths {
  return {
    root,
    identity: join(root, "identity.json"),
    nextKey: join(root, "identity.next.json"),
    connects: join(root, "connects"),
    socket: join(root, "control.sock"),
    draining: join(root, "draining"),
    lock: join(root, "lock"),
    journal: join(root, "journal"),
    spool: join(root, "spool"),
    plans: join(root, "plans"),
    pipes: join(root, "pipes"),
    secrets: join(root, "secrets"),
    sealingKey: join(root, "sealing.json"),
    sealed: join(root, "sealed"),
    executions,
  };
}

/** /var/lib for a service, the user's own state folder otherwise. */
export function defaultStateDirectory(env: Record<string, string | undefined>, isRoot: boolean): string {
  if (isRoot) return "/var/lib/farhand";
  return join(env.XDG_STATE_HOME ?? join(homedir(), ".local", "state"), "farhand");
}

/** A file name for one attempt: step paths may be long and hold slashes. */
export function attemptFileName(leaseKey: string, step: string, attempt: number): string {
  return `${leaseKey}.${createHash("sha256").update(step).digest("hex").slice(0, 16)}.${attempt}`;
}
