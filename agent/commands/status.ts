import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { policySource, type StatusConfig } from "../config.ts";
import { Failure } from "../failure.ts";
import { fingerprintOf, loadIdentity } from "../identity.ts";
import { invocation } from "../invocation.ts";
import { lockHolder } from "../lock.ts";
import { wordsOf } from "../log.ts";
import { statePaths } from "../paths.ts";
import { loadPolicy } from "../policy/load.ts";
import { DEFAULT_INSTALLATION, installationAt, readReport, readTrial } from "../update/installation.ts";
import { AGENT_VERSION } from "../version.ts";

/** `farhand-agent status`: who this agent is and what lies on its disk, without touching either. */
export function status(config: StatusConfig): void {
  const paths = statePaths(config.state);
  const identity = loadIdentity(paths.identity);
  if (!identity) {
    throw new Failure(
      `this host is not enrolled (nothing in ${config.state}): run "${invocation()} enroll" first`,
    );
  }
  const running = lockHolder(paths.lock);
  const labels = Object.entries(identity.labels).map(([key, value]) => `${key}=${value}`);
  const rows: [string, string][] = [
    ["agent", `${identity.agentId} (${identity.name})`],
    ["control plane", identity.url],
    ["pool", identity.poolName],
    ["labels", labels.join(" ") || "none"],
    ["slots", String(identity.slots)],
    ["fingerprint", fingerprintOf(identity.publicKey)],
    ["enrolled", identity.enrolledAt],
    ["state", config.state],
    ["policy", policyWords(config)],
    ["version", AGENT_VERSION],
    ["update", updateWords(config)],
    ["running", running === undefined ? "no" : `yes, process ${running}`],
    ["spool", spoolWords(paths.spool)],
  ];
  process.stdout.write(rows.map(([name, value]) => `${name.padEnd(14)}${value}\n`).join(""));
}

/** The file as it is now; a running agent goes by what it read last. */
function policyWords(config: StatusConfig): string {
  const source = policySource(config);
  try {
    const { digest } = loadPolicy(source);
    return digest === "default" ? `default (there is no ${source.path})` : `${digest} (${source.path})`;
  } catch (error) {
    return `unusable: ${wordsOf(error)}`;
  }
}

/** What the policy lets the agent do, and what came of the last try. */
function updateWords(config: StatusConfig): string {
  const installation = installationAt(process.env.FARHAND_INSTALLATION ?? DEFAULT_INSTALLATION);
  const trial = readTrial(installation);
  const { last } = readReport(installation);
  const tried = last && `${last.version} ${OUTCOME_WORDS[last.outcome]}`;
  return [
    modeWords(config),
    trial && `${trial.version} is on trial`,
    tried && `${tried} at ${last.at}${last.reason ? `: ${last.reason}` : ""}`,
  ]
    .filter(Boolean)
    .join("; ");
}

const OUTCOME_WORDS = {
  installed: "was installed",
  went_back: "was tried and taken back",
  refused: "was refused",
} as const;

function modeWords(config: StatusConfig): string {
  try {
    const { mode, window, pin } = loadPolicy(policySource(config)).rules.update;
    return `${mode}${window ? `, ${window}` : ""}${pin ? `, pinned to ${pin}` : ""}`;
  } catch {
    return "as the policy will say once it can be used";
  }
}

function spoolWords(folder: string): string {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return "empty";
  }
  const bytes = names.reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  return names.length === 0 ? "empty" : `${bytes} bytes of output of ${names.length} steps not yet recorded`;
}
