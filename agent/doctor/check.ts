/** What `farhand-agent doctor` looks at: one small function each, in the order in which things build on each other. */
import type { Route } from "../connection/transport.ts";
import type { Running } from "../local/client.ts";
import type { StatePaths } from "../paths.ts";
import type { PolicySource } from "../policy/load.ts";

/** What came of one look: `skip` where it could not be looked at. */
export type Finding =
  | { result: "ok" | "skip"; words: string }
  /** `advice` says what to do. A `warn` does not make the agent fail. */
  | { result: "warn" | "fail"; words: string; advice: string };

export interface Patient {
  paths: StatePaths;
  /** Which file holds the policy, as far as this command was told; a running agent knows better. */
  policy: PolicySource;
  /** Which file names the providers of secrets; the usual one when absent. */
  secrets: string | undefined;
  /** Whether this state directory was ever enrolled: `unusable` where that can no longer be read. */
  enrolled: "yes" | "no" | "unusable";
  /** Whether an agent runs here. */
  running: Running;
  /** Undefined when nobody says where the control plane is. */
  route: Route | undefined;
}

export interface Check {
  name: string;
  look(patient: Patient): Promise<Finding> | Finding;
}

/** Of the way to the control plane: looked at where it is known. */
export interface WayCheck {
  name: string;
  look(route: Route): Promise<Finding> | Finding;
}
