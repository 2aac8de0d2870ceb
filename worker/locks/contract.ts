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
}

export type LockReply =
  /** The number of each grant, by lock: a lower one has lost the lock. */
  | { outcome: "granted"; fences: Record<string, number> }
  | { outcome: "queued"; ahead: number; holder: string };

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
}
