import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { INSTALLATION, LOCAL_OPTIONS, POLICY_OPTIONS, policySource } from "../config.ts";
import { freeBytes } from "../files.ts";
import { fingerprintOf, type Identity, requireIdentity } from "../identity.ts";
import { SPOOL_RESERVE_BYTES } from "../job/admission.ts";
import { lookAtAgent, type Running } from "../local/client.ts";
import type { AgentReport } from "../local/protocol.ts";
import { wordsOf } from "../log.ts";
import { type StatePaths, statePaths } from "../paths.ts";
import { changeWords, type PolicyInForce } from "../policy/inForce.ts";
import { loadPolicy } from "../policy/load.ts";
import { readSealingKey } from "../secrets/sealingKey.ts";
import { rulesWords } from "../update/decide.ts";
import { installationAt, isCurrent, ownProgram, readReport, readTrial } from "../update/installation.ts";
import { AGENT_VERSION } from "../version.ts";
import { type ConfigOf, command, yes } from "./command.ts";

const OPTIONS = { ...LOCAL_OPTIONS, ...POLICY_OPTIONS, installation: INSTALLATION, json: yes() };
type StatusConfig = ConfigOf<typeof OPTIONS>;

export const statusCommand = command({
  usage: `status [--state DIR] [--policy FILE] [--own-policy] [--json]
      Show who this agent is, what it is doing, its policy and what waits on its disk.`,
  options: OPTIONS,
  run: status,
});

/** `farhand-agent status`: who this agent is, what it is doing and what lies on its disk, without touching any of it. */
async function status(config: StatusConfig): Promise<void> {
  const paths = statePaths(config.state);
  const identity = requireIdentity(paths);
  const running = await lookAtAgent(paths);
  const report = running.state === "answers" ? running.report : undefined;
  const spool = spoolOf(paths.spool);
  if (config.json) {
    const { privateKey: _, proxy: __, ca: ___, ...shown } = identity;
    const own = {
      draining: report?.draining ?? existsSync(paths.draining),
      version: AGENT_VERSION,
      state: config.state,
      fingerprint: fingerprintOf(identity.publicKey),
      sealingFingerprint: readSealingKey(paths.sealingKey, identity.agentId)?.fingerprint,
    };
    print(JSON.stringify({ ...shown, ...own, spool, running: report ?? null }, null, 2));
    return;
  }
  const rows = [
    ...identityRows(identity, paths),
    ["policy", policyWords(config, running)],
    ["update", updateWords(config, report)],
    ...runningRows(running, paths),
    ["spool", spoolWords(spool)],
  ];
  print(rows.map(([name = "", value]) => `${name.padEnd(14)}${value}`).join("\n"));
}

function identityRows(identity: Identity, paths: StatePaths): [string, string][] {
  return [
    ["agent", `${identity.agentId} (${identity.name})`],
    ["control plane", identity.url],
    ["pool", identity.poolName],
    ["labels", labelWords(identity.labels)],
    ["slots", String(identity.slots)],
    ["fingerprint", fingerprintOf(identity.publicKey)],
    ["sealing key", sealingWords(identity, paths)],
    ["enrolled", identity.enrolledAt],
    ["key since", identity.keyMadeAt ?? identity.enrolledAt],
    ["version", AGENT_VERSION],
    ["state", paths.root],
  ];
}

function labelWords(labels: Readonly<Record<string, string>>): string {
  const words = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return words.join(" ") || "none";
}

/** What to compare with the fingerprint that is shown to whoever seals a secret. */
function sealingWords({ agentId }: Identity, paths: StatePaths): string {
  try {
    return readSealingKey(paths.sealingKey, agentId)?.fingerprint ?? "none yet: it is made by run";
  } catch (error) {
    return `unusable: ${wordsOf(error)}`;
  }
}

/** What a running agent goes by, which need not be what the file says now. */
function policyWords(config: StatusConfig, running: Running): string {
  const named = () => `${namedPolicyWords(config)}, by the flags and variables of this command:`;
  switch (running.state) {
    case "none":
      return `${named()} no agent runs`;
    case "silent":
      return `${named()} the agent does not answer`;
    case "answers": {
      const { pid, report } = running;
      if (report.policy) return inForceWords(report.policy, pid);
      return `${named()} the agent, version ${report.version}, does not say which it goes by`;
    }
    default:
      return running satisfies never;
  }
}

function namedPolicyWords(config: StatusConfig): string {
  const source = policySource(config);
  try {
    const { digest } = loadPolicy(source);
    return digest === "default" ? `default (there is no ${source.path})` : `${digest} (${source.path})`;
  } catch (error) {
    return `unusable: ${wordsOf(error)}`;
  }
}

function inForceWords(policy: PolicyInForce, pid: number): string {
  const { digest, path } = policy;
  const inForce = digest === "default" ? `default (there was no ${path})` : `${digest} (${path})`;
  const change = changeWords(policy, pid);
  return change === undefined ? inForce : `${inForce}; ${change}`;
}

/** What the policy lets the agent do, as far as it can, and what came of the last try. */
function updateWords(config: StatusConfig, report: AgentReport | undefined): string {
  const installation = installationAt(config.installation);
  // Who asks may be another program than the one that runs.
  const installs = report?.installs ?? isCurrent(installation, ownProgram());
  const trial = readTrial(installation);
  const { last } = readReport(installation);
  const tried = last && `${last.version} ${OUTCOME_WORDS[last.outcome]}`;
  return [
    modeWords(config, report, installs),
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

function modeWords(config: StatusConfig, report: AgentReport | undefined, installs: boolean): string {
  try {
    const rules = report?.updates ?? loadPolicy(policySource(config)).rules.update;
    return rulesWords(rules, report?.version ?? AGENT_VERSION, installs);
  } catch {
    return "as the policy will say once it can be used";
  }
}

/** Noted on disk, for the next start. */
const DRAINED = 'no, it is drained, also after a start: "undrain" ends that';

function runningRows(running: Running, paths: StatePaths): [string, string][] {
  if (running.state === "none") {
    const isDrained = existsSync(paths.draining);
    return [["running", "no"], ...(isDrained ? [["takes work", DRAINED] satisfies [string, string]] : [])];
  }
  const { pid } = running;
  if (running.state === "silent") {
    return [["running", `yes, process ${pid}, which does not answer: ${running.problem}`]];
  }
  const { report } = running;
  const executions = report.leases.map(({ executionId, state }) => `${executionId} (${state})`);
  return [
    ["running", `yes, process ${pid}, version ${report.version}, since ${report.startedAt}`],
    ["connection", connectionWords(report.connection)],
    ["host labels", report.hostLabels ? labelWords(report.hostLabels) : "not told yet"],
    ["takes work", takesWork(report, paths)],
    ["busy", `${report.leases.length} of ${report.slots} slots`],
    ["leases", executions.join(", ") || "none"],
  ];
}

function takesWork({ draining }: AgentReport, { root }: StatePaths): string {
  if (draining) return "no, it is draining";
  if (freeBytes(root) >= SPOOL_RESERVE_BYTES) return "yes";
  return `no, under ${SPOOL_RESERVE_BYTES / (1024 * 1024)} MiB are free on the disk of ${root}`;
}

function connectionWords({ state, since, problem, retryInMs }: AgentReport["connection"]): string {
  const why = problem ? `: ${problem}` : "";
  switch (state) {
    case "connected":
      return `connected since ${since}`;
    case "connecting":
      return `connecting${why}`;
    case "waiting":
      return `down, tries again in ${Math.ceil((retryInMs ?? 0) / 1000)} s${why}`;
    default:
      return state satisfies never;
  }
}

interface Spooled {
  steps: number;
  bytes: number;
}

function spoolOf(folder: string): Spooled {
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    // It has never run.
  }
  const sizes = names.map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
  return { steps: names.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

function spoolWords({ steps, bytes }: Spooled): string {
  return steps === 0
    ? "empty"
    : `${bytes} bytes of output of ${steps} ${steps === 1 ? "step" : "steps"} not yet recorded`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
