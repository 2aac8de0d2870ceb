/**
 * The environment of a step, built from nothing: what the agent was started
 * with (tokens, proxies, `NODE_OPTIONS`) never reaches a script.
 */
import { userInfo } from "node:os";
import type { Plan } from "#protocol/plan.ts";
import { parameterEnvironment } from "#protocol/runbook/parameters.ts";
import { MARKER_VARIABLE } from "../job/tree.ts";
import { environmentOf, type Texts } from "../job/values.ts";
import type { Account } from "./account.ts";

export const STEP_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface StepContext {
  plan: Plan;
  executionId: string;
  step: string;
  attempt: number;
  /** The texts of the block's values; those of `env` are taken. */
  texts: Texts;
  /** By variable: secrets, and the paths of those that are files. */
  secrets: Readonly<Record<string, string>>;
  /** Random text that marks the processes of this attempt. */
  marker: string;
}

/** What only the runner knows: where its files are, and as whom it runs. */
export interface StepPlace {
  /** A folder of the execution's own for temporary files. */
  temporary: string;
  /** Where the script may write `name=value`. */
  output: string;
  account: Account | undefined;
}

const user = userInfo();

export function stepEnvironment(context: StepContext, place: StepPlace): Record<string, string> {
  const { plan, texts } = context;
  const name = place.account?.name ?? user.username;
  return {
    PATH: STEP_PATH,
    HOME: place.account?.home ?? user.homedir,
    USER: name,
    LOGNAME: name,
    SHELL: place.account?.shell ?? "/bin/sh",
    LANG: "C.UTF-8",
    TERM: "dumb",
    TMPDIR: place.temporary,
    ...environmentOf(texts),
    ...context.secrets,
    ...parameterEnvironment(plan.parameters),
    FARHAND_EXECUTION_ID: context.executionId,
    FARHAND_STEP: context.step,
    FARHAND_ATTEMPT: String(context.attempt),
    FARHAND_RUNBOOK: plan.title,
    FARHAND_RUNBOOK_ID: plan.runbookId,
    FARHAND_RUNBOOK_VERSION: String(plan.versionNumber),
    FARHAND_OUTPUT: place.output,
    [MARKER_VARIABLE]: context.marker,
  };
}
