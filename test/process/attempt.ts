/** One attempt in this process, with a host that a test can change. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../agent/clock.ts";
import { Attempt } from "../../agent/job/attempt.ts";
import { Cgroups } from "../../agent/job/cgroup.ts";
import { Folders } from "../../agent/job/folders.ts";
import type { Host } from "../../agent/job/host.ts";
import { Journal } from "../../agent/job/journal.ts";
import { PipePool } from "../../agent/job/pipes.ts";
import { bootId, systemProcesses } from "../../agent/job/processes.ts";
import { CommandRun } from "../../agent/job/run.ts";
import { Running } from "../../agent/job/running.ts";
import { Spool } from "../../agent/job/spool.ts";
import { SpoolBudget } from "../../agent/job/spoolBudget.ts";
import type { StepLimits } from "../../agent/job/usage.ts";
import { statePaths } from "../../agent/paths.ts";
import { hostFacts } from "../../agent/policy/facts.ts";
import { DEFAULT_POLICY, type Policy } from "../../agent/policy/policy.ts";
import { KnownSecrets } from "../../agent/redact/known.ts";
import { LauncherPool } from "../../agent/runners/launcher.ts";
import { SecretFiles } from "../../agent/secrets/files.ts";
import { SecretKeeper } from "../../agent/secrets/keeper.ts";
import { SignatureGuard } from "../../agent/signatures/guard.ts";
import { NO_SIGNATURES } from "../../agent/signatures/requirement.ts";
import { silentLog } from "../../agent/testing/silent-log.ts";
import { planOf } from "./fake-control-plane.ts";
import { command } from "./harness.ts";

/** @param options `cgroups`: where this machine has them; none when absent */
export async function openHost(
  root: string,
  options: { cgroups?: boolean; limits?: Partial<StepLimits> } = {},
): Promise<Host> {
  const paths = statePaths(root);
  mkdirSync(paths.spool);
  const shared = { journal: Journal.open(paths.journal, silentLog), clock: systemClock, log: silentLog };
  const known = new KnownSecrets();
  const secrets = new SecretKeeper({ providers: [], known, clock: systemClock, log: silentLog });
  const pipes = await PipePool.open(paths.pipes);
  const cgroups = options.cgroups ? Cgroups.open(root, systemClock, silentLog) : undefined;
  const means = { cgroups, pipes, table: systemProcesses };
  return {
    ...{ ...shared, ...means, paths, bootId: bootId(), steadyNow: systemClock.now },
    folders: new Folders({
      ...shared,
      root: paths.executions,
      state: paths.root,
      policy: () => ({ keep: "never" }),
    }),
    spoolBudget: new SpoolBudget(),
    launchers: cgroups && (await LauncherPool.open({ ...shared, ...means, cgroups })),
    running: new Running(),
    ...{ known, secrets, secretFiles: SecretFiles.open(root, {}) },
    ...{ policy: policyOf(options.limits), facts: hostFacts },
    guard: new SignatureGuard(NO_SIGNATURES, { organizationId: "", poolId: "", labels: {} }),
  };
}

function policyOf({ memoryBytes: memory, processes, cpu }: Partial<StepLimits> = {}): Policy {
  const limits = { ...DEFAULT_POLICY.rules.limits, memory, processes, cpu };
  return { ...DEFAULT_POLICY, rules: { ...DEFAULT_POLICY.rules, limits } };
}

export async function closeHost({ journal, launchers, cgroups, pipes }: Host): Promise<void> {
  await launchers?.close();
  pipes.close();
  await cgroups?.clearLeftovers();
  journal.close();
}

export function attemptOn(host: Host, script: string, spool?: Spool) {
  const kept = spool ?? new Spool(join(host.paths.spool, "s"), "s", 1);
  const attempt = new Attempt({ leaseKey: "l.1", step: "s", number: 1, fence: 1, spool: kept });
  const events: string[] = [];
  const listener = {
    started: () => void events.push("started"),
    spooled: () => void events.push("spooled"),
    finished: () => void events.push("finished"),
  };
  const block = command("s", script);
  const plan = planOf({ blocks: [block] });
  const parts = { attempt, block, texts: new Map<string, string>(), plan, executionId: "exe" };
  const run = new CommandRun({ ...parts, host, listener, log: silentLog });
  return { run, events, spool: kept };
}
