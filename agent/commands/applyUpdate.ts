import { randomUUID } from "node:crypto";
import { z } from "zod";
import { systemClock } from "../clock.ts";
import { INSTALLATION, LOCAL_OPTIONS, POLICY_OPTIONS, policySource } from "../config.ts";
import { EXIT, Failure } from "../failure.ts";
import { errorCode } from "../files.ts";
import { takeLock } from "../lock.ts";
import { wordsOf } from "../log.ts";
import { loadPolicy } from "../policy/load.ts";
import { decideUpdate, decisionWords, type UpdateRules } from "../update/decide.ts";
import { handoverIn, readRequest, type UpdateRequest } from "../update/handover.ts";
import {
  type Installation,
  installationAt,
  linkedVersion,
  readReport,
  readTrial,
  writeReport,
} from "../update/installation.ts";
import { systemdService } from "../update/service.ts";
import { stage, takeIn, withIncoming } from "../update/stage.ts";
import { runTrial, TRIAL_SECONDS, type TrialDeps } from "../update/trial.ts";
import { AGENT_VERSION, RELEASE_KEY } from "../version.ts";
import { type ConfigOf, command, text } from "./command.ts";

const TRIAL_WORDS = "the time of a trial must be a number of seconds from 5 to 3600";

/** Of what changes the installation. */
export const INSTALLATION_OPTIONS = {
  ...LOCAL_OPTIONS,
  ...POLICY_OPTIONS,
  installation: INSTALLATION,
  units: text(z.string().default("/etc/systemd/system")),
  trialSeconds: text(
    z.coerce
      .number({ error: TRIAL_WORDS })
      .int({ error: TRIAL_WORDS })
      .min(5, { error: TRIAL_WORDS })
      .max(3600, { error: TRIAL_WORDS })
      .default(TRIAL_SECONDS),
    "FARHAND_TRIAL_SECONDS",
  ),
};
type ApplyConfig = ConfigOf<typeof INSTALLATION_OPTIONS>;

export const applyUpdateCommand = command({
  usage: `apply-update [--installation DIR] [--units DIR] [--trial-seconds N]
      What root's updater (farhand-agent-update.service) runs when the agent asks.`,
  options: INSTALLATION_OPTIONS,
  run: applyUpdate,
});

/**
 * `farhand-agent apply-update`: what root does when the agent asks to be
 * replaced. The agent is not believed: policy, signature, version and digest
 * are looked at again, by the program and the files of root. A refusal is no
 * failure of this command; it stands in the report, where the agent reads it.
 */
async function applyUpdate(config: ApplyConfig): Promise<void> {
  const { installation, deps } = updaterOf(config);
  const trial = readTrial(installation);
  if (trial) return void (await runTrial(deps, trial));
  const request = readRequest(deps.handover);
  if (!request || readReport(installation).last?.request === request.id) {
    deps.say("nothing is asked for");
    return;
  }
  try {
    const { rules, current, key } = groundsOf(config, installation);
    requireAllowed(rules, current, request.version, readReport(installation).failed);
    await withIncoming(installation, async (incoming) => {
      await takeIn(deps.handover, incoming);
      await stage(installation, incoming, { key, version: request.version, current });
    });
    await beginTrial(deps, request, current);
  } catch (error) {
    refuse(installation, request, wordsOf(error));
    deps.say(wordsOf(error));
  }
}

/** Puts a version on trial that is staged. @returns whether it stays */
export function beginTrial(deps: TrialDeps, { id, version }: UpdateRequest, from: string): Promise<boolean> {
  return runTrial(deps, { id, version, from, begun: 0 });
}

export interface Updater {
  installation: Installation;
  deps: TrialDeps;
}

/** @throws Failure when another one is at work */
export function updaterOf({ installation: root, state, units, trialSeconds }: ApplyConfig): Updater {
  const installation = installationAt(root);
  try {
    takeLock(installation.lock);
  } catch (error) {
    if (error instanceof Failure) throw new Failure("an update is under way on this host already");
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") {
      throw new Failure(
        `there is no installation in ${root} to update: name the folder with --installation, or replace the container, the package or the file instead`,
        EXIT.usage,
      );
    }
    throw new Failure(`cannot update what is in ${root}: ${wordsOf(error)}`);
  }
  const say = (words: string): void => void process.stdout.write(`${words}\n`);
  const service = systemdService(units);
  const handover = handoverIn(state);
  return {
    installation,
    deps: { installation, handover, service, clock: systemClock, seconds: trialSeconds, say },
  };
}

/** What an update is judged by. @throws Failure */
export function groundsOf(
  config: ApplyConfig,
  installation: Installation,
): { rules: UpdateRules; current: string; key: string } {
  const rules = loadPolicy(policySource(config)).rules.update;
  const key = rules.key ?? RELEASE_KEY;
  if (key === undefined) {
    throw new Failure(
      "this agent was built without a release key: name one in the policy as update.key; install.sh of the control plane shows it as RELEASE_KEY",
      EXIT.usage,
    );
  }
  return { rules, key, current: linkedVersion(installation, "current") ?? AGENT_VERSION };
}

function requireAllowed(
  rules: UpdateRules,
  current: string,
  wanted: string,
  failed: readonly { version: string }[],
): void {
  const now = Date.now();
  const decision = decideUpdate({
    ...{ rules, current, wanted, now, heardAt: 0, installs: true, share: 0 },
    failed: failed.map(({ version }) => version),
  });
  if (decision.type !== "do") throw new Error(decisionWords(decision, wanted, rules.pin));
}

function refuse(installation: Installation, { id, version }: UpdateRequest, reason: string): void {
  const last = { request: id, version, outcome: "refused", reason, at: new Date().toISOString() } as const;
  writeReport(installation, { ...readReport(installation), last });
}

/** A request of a person, who has it dealt with at once. */
export function ownRequest(version: string): UpdateRequest {
  return { id: randomUUID(), version };
}
