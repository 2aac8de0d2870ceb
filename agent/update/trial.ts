/**
 * A version on trial: it is current, and has to connect within some minutes.
 * Who watches it is the program of the version before, so that nothing depends
 * on what the new one can still do. Every step is written down before it is
 * taken and may be taken twice: whoever is killed here is started again, and
 * goes on.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Clock, sleep } from "../clock.ts";
import { type Handover, hasSign } from "./handover.ts";
import {
  endTrial,
  type Installation,
  linkedVersion,
  readReport,
  type Trial,
  turnLink,
  writeReport,
  writeTrial,
} from "./installation.ts";
import type { Service } from "./service.ts";

/** How long a version has until it is connected, unless it is said otherwise. */
export const TRIAL_SECONDS = 180;
/** As often a version may come down before it is taken back. */
const CRASHES_MAX = 3;
/** As often a trial is taken up, by a host that goes down with it. */
const BEGUN_MAX = 3;
const LOOK_MS = 500;
/** What is told of the service until then may be from before. */
const SETTLE_MS = 2_000;

export interface TrialDeps {
  installation: Installation;
  handover: Handover;
  service: Service;
  clock: Clock;
  seconds: number;
  say: (words: string) => void;
}

/** Runs a trial to its end, from its beginning or from wherever it was left. @returns whether the version stays */
export async function runTrial(deps: TrialDeps, trial: Trial): Promise<boolean> {
  const { installation, handover } = deps;
  if (trial.back !== undefined) return goBack(deps, trial, trial.back);
  if (!hasSign(handover, trial.id)) {
    const taken = { ...trial, begun: trial.begun + 1 };
    if (taken.begun > BEGUN_MAX) return goBack(deps, taken, "the host went down with it again and again");
    writeTrial(installation, taken);
    await use(deps, trial.version);
    await deps.service.restart();
    deps.say(`${trial.version} is on trial: it has ${deps.seconds} s to connect`);
    const reason = await watch(deps, trial.id);
    if (reason !== undefined) return goBack(deps, taken, reason);
  }
  return confirm(deps, trial);
}

/** Why the version has to go; undefined when it has connected. */
async function watch(
  { handover, service, clock, seconds }: TrialDeps,
  id: string,
): Promise<string | undefined> {
  const begun = clock.monotonic();
  for (;;) {
    await sleep(clock, LOOK_MS);
    if (hasSign(handover, id)) return undefined;
    const passed = clock.monotonic() - begun;
    const { state, restarts } = await service.look();
    if (passed > SETTLE_MS && state === "failed") return "it does not start";
    if (passed > SETTLE_MS && restarts >= CRASHES_MAX) return `it came down ${restarts} times`;
    if (passed > seconds * 1000) return `it did not connect within ${seconds} s`;
  }
}

function confirm({ installation, say }: TrialDeps, { id, version, from }: Trial): true {
  turnLink(installation, "proven", version);
  const last = { request: id, version, outcome: "installed", at: new Date().toISOString() } as const;
  writeReport(installation, { failed: [], last });
  endTrial(installation);
  removeAllBut(installation, [version, from]);
  say(`${version} is installed; ${from} is kept`);
  return true;
}

async function goBack(deps: TrialDeps, trial: Trial, reason: string): Promise<false> {
  const { installation, service, say } = deps;
  const { id, version, from } = trial;
  writeTrial(installation, { ...trial, back: reason });
  say(`${version} is taken back: ${reason}`);
  // A service that a person has stopped stays stopped.
  const { state } = await service.look();
  await use(deps, from);
  if (state !== "inactive") await service.restart();
  const at = new Date().toISOString();
  const { failed } = readReport(installation);
  writeReport(installation, {
    failed: [...failed.filter((each) => each.version !== version), { version, reason, at }],
    last: { request: id, version, outcome: "went_back", reason, at },
  });
  endTrial(installation);
  rmSync(join(installation.root, version), { recursive: true, force: true });
  return false;
}

async function use({ installation, service }: TrialDeps, version: string): Promise<void> {
  if (linkedVersion(installation, "current") !== version) turnLink(installation, "current", version);
  await service.takeUnits(join(installation.root, version));
}

/** Folders of versions are the only ones whose names begin with a digit. */
function removeAllBut({ root }: Installation, versions: readonly string[]): void {
  for (const name of readdirSync(root)) {
    if (/^\d/.test(name) && !versions.includes(name)) {
      rmSync(join(root, name), { recursive: true, force: true });
    }
  }
}
