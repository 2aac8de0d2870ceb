/**
 * What a starting agent makes of what an earlier one left: ends processes that
 * are still there, calls started-and-not-finished `unknown` (ST2), takes up
 * results that were not recorded, and clears away what belongs to nobody.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { OUTPUT_DEFAULT_BYTES } from "#protocol/limits.ts";
import type { Plan } from "#protocol/plan.ts";
import { wordsOf } from "../log.ts";
import { attemptFileName, type StatePaths } from "../paths.ts";
import { Attempt } from "./attempt.ts";
import type { Host } from "./host.ts";
import { climb } from "./ladder.ts";
import { HeldLease } from "./lease.ts";
import { attemptKey, type JournalAttempt, type JournalLease } from "./records.ts";
import { Spool } from "./spool.ts";
import { LeaseTraces } from "./traces.ts";
import { ProcessTree } from "./tree.ts";
import { agentBlockAt } from "./values.ts";

const LEFTOVER_GRACE_MS = 2_000;
/** Output that was cut may end this much before its limit, so that no character of either stream is torn. */
const TORN_MAX_BYTES = 6;

/** @returns the leases that are still held, each with its unrecorded attempts */
export async function recover(host: Host): Promise<HeldLease[]> {
  const known = Array.from(host.journal.state.leases);
  clearStrays(host.paths, known);
  const held = await Promise.all(known.map(([key, lease]) => recoverLease(key, lease, host)));
  await host.cgroups?.clearLeftovers();
  await host.folders.tidy();
  return held;
}

async function recoverLease(key: string, { lease, attempts }: JournalLease, host: Host): Promise<HeldLease> {
  const plan = new LeaseTraces(lease, host.paths).loadPlan();
  const held = new HeldLease(lease, plan, host);
  const open = Array.from(attempts.values()).filter((attempt) => !attempt.recorded);
  const recorded = Array.from(attempts.values()).filter((attempt) => attempt.recorded);
  held.restore(
    await Promise.all(open.map((entry) => recoverAttempt(key, lease.fence, entry, plan, host))),
    recorded.map(({ step, attempt }) => attemptKey(step, attempt)),
  );
  return held;
}

async function recoverAttempt(
  leaseKey: string,
  fence: number,
  entry: JournalAttempt,
  plan: Plan | undefined,
  host: Host,
): Promise<Attempt> {
  const { step, attempt: number, started, spawned, finished } = entry;
  const spool = loadSpool(attemptFileName(leaseKey, step, number), step, number, host);
  const attempt = new Attempt({ leaseKey, step, number, fence, spool });
  if (spawned) attempt.started = { pid: spawned.process.pid, time: spawned.time };
  if (finished) {
    attempt.result = finished.result;
    return attempt;
  }
  const detail =
    agentBlockAt(plan, step)?.kind === "api"
      ? "the agent stopped while this request was under way; whether it was answered is not known"
      : (await endLeftovers(entry, host)) + limitWords(plan, attempt);
  host.log.warn("a step was running when the agent stopped; its outcome is unknown", { step, detail });
  const begun = started?.time ?? 0;
  const lastSeen = spool.lastTime ?? spawned?.time ?? begun;
  attempt.finish(
    {
      outcome: { type: "unknown", detail },
      durationMs: Math.max(0, lastSeen - begun),
      leakedOutput: false,
      // True while the limit is not reached; `limitWords` says so when it was.
      cutBytes: { stdout: 0, stderr: 0 },
    },
    host,
  );
  return attempt;
}

/** One that cannot be read counts as empty: what it held is gone, and an agent that did not start would help nobody. */
function loadSpool(name: string, step: string, number: number, { paths, log }: Host): Spool {
  const path = join(paths.spool, name);
  try {
    return Spool.load(path, step, number);
  } catch (error) {
    log.error("cannot read a spool; what it held is reported as cut", { step, reason: wordsOf(error) });
    return new Spool(path, step, number);
  }
}

/** Ends what is provably left of the attempt. @returns what was found and done, in words */
async function endLeftovers({ started, spawned }: JournalAttempt, host: Host): Promise<string> {
  const stopped = "the agent stopped while this step ran";
  if (!started || started.bootId !== host.bootId) return `${stopped}; the host was restarted since`;
  const tree = new ProcessTree({
    root: spawned?.process,
    marker: started.marker,
    pipes: [],
    table: host.table,
    watched: false,
    cgroup: spawned?.cgroup === undefined ? undefined : host.cgroups?.named(spawned.cgroup),
  });
  const found = (await tree.members()).length;
  if (found === 0) return `${stopped}; none of its processes was left when the agent came back`;
  const gone = await climb(tree, { clock: host.clock, graceMs: LEFTOVER_GRACE_MS, scope: "tree" });
  const processes = found === 1 ? "1 process" : `${found} processes`;
  return gone
    ? `${stopped}; ${processes} of it still ran when the agent came back and were ended`
    : `${stopped}; ${processes} of it still ran when the agent came back and could not all be ended`;
}

/** What the limit had cut was counted in memory only, and is gone with the agent that counted. */
function limitWords(plan: Plan | undefined, { step, spool }: Attempt): string {
  const limit = agentBlockAt(plan, step)?.outputLimitBytes ?? OUTPUT_DEFAULT_BYTES;
  const reached = spool.bytes.stdout + spool.bytes.stderr + TORN_MAX_BYTES >= limit;
  return reached ? "; its output had come to its limit, and how much was cut is not known" : "";
}

/** Removes files of leases that the journal does not hold, such as those of a clean-up that was cut short. */
function clearStrays(paths: StatePaths, known: [string, JournalLease][]): void {
  const keys = known.map(([key]) => key);
  const ofKnownLease = (name: string) => keys.some((key) => name.startsWith(`${key}.`));
  removeExcept(paths.spool, ofKnownLease);
  removeExcept(paths.plans, ofKnownLease);
}

function removeExcept(folder: string, keep: (name: string) => boolean): void {
  for (const name of readdirSync(folder)) {
    if (!keep(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}
