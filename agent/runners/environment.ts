/**
 * The environment of a step, built from nothing: what the agent was started
 * with (tokens, proxies, `NODE_OPTIONS`) never reaches a script.
 */
import { userInfo } from "node:os";
import type { Plan } from "#protocol/plan.ts";
import { parameterEnvironment } from "#protocol/runbook/parameters.ts";
import { MARKER_VARIABLE } from "../job/tree.ts";

export const STEP_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface StepContext {
  plan: Plan;
  executionId: string;
  step: string;
  attempt: number;
  /** Random text that marks the processes of this attempt. */
  marker: string;
  /** A folder of the execution's own for temporary files. */
  temporary: string;
}

const user = userInfo();

export function stepEnvironment(context: StepContext): Record<string, string> {
  const { plan } = context;
  return {
    ...parameterEnvironment(plan.parameters),
    PATH: STEP_PATH,
    HOME: user.homedir,
    USER: user.username,
    LOGNAME: user.username,
    SHELL: "/bin/sh",
    LANG: "C.UTF-8",
    TERM: "dumb",
    TMPDIR: context.temporary,
    FARHAND_EXECUTION_ID: context.executionId,
    FARHAND_STEP: context.step,
    FARHAND_ATTEMPT: String(context.attempt),
    FARHAND_RUNBOOK: plan.title,
    FARHAND_RUNBOOK_ID: plan.runbookId,
    FARHAND_RUNBOOK_VERSION: String(plan.versionNumber),
    [MARKER_VARIABLE]: context.marker,
  };
}
