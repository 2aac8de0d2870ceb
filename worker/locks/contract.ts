/**
 * What coordinators may ask of an OrganizationLocks, whose name is the
 * organization's id. Every call may be repeated.
 */
export interface LockWish {
  name: string;
  mode: "shared" | "exclusive";
}

export interface LockRequest {
  executionId: string;
  /** The step that wants them; "" for the whole execution. */
  step: string;
  /** For people: what the execution is called. */
  title: string;
  /** All of them, or none. */
  locks: readonly LockWish[];
  /** Together with them: a place among the executions that the organization runs at once. */
  slot: boolean;
}

export type LockReply =
  /** The number of each grant, by lock: a lower one has lost the lock. */
  | { outcome: "granted"; fences: Record<string, number> }
  | {
      outcome: "queued";
      ahead: number;
      /** Who has the lock or is next; empty when no lock is in the way. */
      holder: string;
      /** No lock is in the way: the organization runs as many executions as it may. */
      reason?: "organization_full";
    };

/** One lock as lists show it. */
export interface LockView {
  name: string;
  fence: number;
  holders: {
    executionId: string;
    step: string;
    title: string;
    mode: "shared" | "exclusive";
    since: number;
  }[];
  waiting: {
    executionId: string;
    step: string;
    title: string;
    mode: "shared" | "exclusive";
    since: number;
  }[];
}

export interface LocksApi {
  acquireLocks(request: LockRequest): Promise<LockReply>;
  releaseLocks(executionId: string, step: string): Promise<void>;
  listLocks(): Promise<LockView[]>;
  /** How many executions run at once; null for no limit. What runs goes on. */
  setLimit(limit: number | null): Promise<void>;
}
