/** What a step may use of its host, held by the kernel where it can, and by looking where it cannot. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AttemptEnd } from "../../agent/job/attempt.ts";
import type { Host } from "../../agent/job/host.ts";
import { systemProcesses } from "../../agent/job/processes.ts";
import type { StepLimits } from "../../agent/job/usage.ts";
import { LauncherPool } from "../../agent/runners/launcher.ts";
import { ManualClock } from "../../agent/testing/manual-clock.ts";
import { silentLog } from "../../agent/testing/silent-log.ts";
import { hasCgroups } from "../harness/cgroups.ts";
import { attemptOn, closeHost, openHost } from "./attempt.ts";
import { isAlive, linesOf } from "./harness.ts";

const MIB = 1024 * 1024;

let root: string;
let host: Host | undefined;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "farhand-limits-"));
});
afterEach(async () => {
  if (host) await closeHost(host);
  host = undefined;
  rmSync(root, { recursive: true, force: true });
});

async function run(
  script: string,
  limits: Partial<StepLimits>,
  cgroups: boolean,
): Promise<{ end: AttemptEnd; printed: string }> {
  host = await openHost(root, { cgroups, limits });
  const { run, spool } = attemptOn(host, script);
  const end = await run.run();
  const printed = spool.size === 0 ? "" : readFileSync(spool.path, "latin1");
  return { end, printed };
}

/**
 * Bounded by itself: no more than 300 processes ever come to be, each of which
 * ignores a polite request, leaves its session and loses its parent.
 * @param hidden they clear their environment as well: only a cgroup can tell then whose they are
 */
const bomb = (pids: string, hidden: boolean) => `
  i=0
  while [ $i -lt 300 ]; do
    (${hidden ? "env -i " : ""}setsid sh -c 'trap "" TERM INT HUP; echo $$ >> ${pids}; sleep 60 & wait' > /dev/null 2>&1 &)
    i=$((i + 1))
  done
  sleep 60`;

const WAYS: [string, boolean][] = [
  ["with a cgroup", true],
  ["without one, by looking", false],
];

describe.each(WAYS)("%s", (_, cgroups) => {
  const test = cgroups && !hasCgroups ? it.skip : it;

  test("[fault 26] a bomb of processes is ended with everything that it threw, and the reason is told", async () => {
    const pids = join(root, "pids");
    const { end } = await run(bomb(pids, cgroups), { processes: 40 }, cgroups);
    expect(end.outcome).toEqual({
      type: "stopped",
      reason: "over_limit",
      confirmed: true,
      detail: expect.stringContaining("more than 40 processes"),
    });
    const left = linesOf(pids).map(Number).filter(isAlive);
    for (const pid of left) process.kill(pid, "SIGKILL");
    expect(left).toEqual([]);
  });

  test("[fault 26] a step that takes too much memory is ended, and the reason is told", async () => {
    const script = `exec node -e 'const all = []; setInterval(() => all.push(Buffer.alloc(${2 * MIB}, 1)), 20)'`;
    const { end } = await run(script.replace("node", process.execPath), { memoryBytes: 160 * MIB }, cgroups);
    expect(end.outcome).toEqual({
      type: "stopped",
      reason: "over_limit",
      confirmed: true,
      detail: expect.stringContaining("over 160MiB of memory"),
    });
    expect(end.usage?.peakMemoryBytes).toBeGreaterThan(150 * MIB);
    expect(end.usage?.peakMemoryBytes).toBeLessThan(600 * MIB);
  });

  test("[fault 26] a step is what the kernel takes before its agent when there is no memory left", async () => {
    // One that is spawned as it is may be quicker than its agent.
    const told = cgroups ? ":" : "until grep -q 500 /proc/$$/oom_score_adj; do :; done";
    const { printed } = await run(`${told}; cat /proc/self/oom_score_adj`, {}, cgroups);
    expect(printed).toContain("500\n");
    expect(Number(linesOf("/proc/self/oom_score_adj")[0])).toBeLessThan(500);
  });

  test("tells the processor time and the memory that a step took", async () => {
    const script = `${process.execPath} -e 'const held = Buffer.alloc(${64 * MIB}, 1); while (process.cpuUsage().user < 500_000); console.log(held.length)'`;
    const { end } = await run(script, {}, cgroups);
    expect(end.outcome).toEqual({ type: "exited", exitCode: 0 });
    const { userMs = 0, systemMs = 0, peakMemoryBytes = 0 } = end.usage ?? {};
    expect(userMs + systemMs).toBeGreaterThan(cgroups ? 490 : 150);
    expect(userMs + systemMs).toBeLessThan(3_000);
    expect(peakMemoryBytes).toBeGreaterThan(64 * MIB);
    expect(peakMemoryBytes).toBeLessThan(400 * MIB);
  });
});

describe.runIf(hasCgroups)("in a cgroup", () => {
  it("[S16] is every process of the step, from its first instruction on", async () => {
    const { end, printed } = await run("cat /proc/self/cgroup; setsid cat /proc/self/cgroup", {}, true);
    expect(end.outcome).toEqual({ type: "exited", exitCode: 0 });
    const groups = printed.match(/^0::.*$/gm) ?? [];
    expect(groups).toHaveLength(2);
    expect(new Set(groups).size).toBe(1);
    expect(groups[0]).toMatch(/\/farhand-step-[0-9a-f]{8}-[0-9a-f]{16}$/);
  });

  it("[S16] leaves no group behind, and lets a daemon that was meant to stay live outside", async () => {
    const { end } = await run(
      `setsid sleep 60 < /dev/null > /dev/null 2>&1 & echo $! > ${root}/pid; cat /proc/self/cgroup > ${root}/group`,
      {},
      true,
    );
    expect(end.outcome).toEqual({ type: "exited", exitCode: 0 });
    const pid = Number(linesOf(join(root, "pid"))[0]);
    const name = /^0::.*\/(farhand-step-.*)$/m.exec(linesOf(join(root, "group")).join("\n"))?.[1] ?? "none";
    const group = host?.cgroups?.named(name);
    await expect.poll(() => existsSync(group?.path ?? "/"), { timeout: 10_000 }).toBe(false);
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
  });

  it("[G7] a cancel ends what nobody could have told from a stranger", async () => {
    host = await openHost(root, { cgroups: true });
    const pids = join(root, "pids");
    // Forked twice in an instant, with a clean environment, a session of its own and no output of ours.
    const hidden = `(env -i setsid sh -c 'trap "" TERM INT; echo $$ > ${pids}; while :; do sleep 1; done' < /dev/null > /dev/null 2>&1 &)`;
    const { run } = attemptOn(host, `${hidden}; sleep 60`);
    const end = run.run();
    await expect.poll(() => linesOf(pids).length, { timeout: 10_000 }).toBe(1);
    run.stop("canceled", 100);
    expect((await end).outcome).toEqual({ type: "stopped", reason: "canceled", confirmed: true });
    expect(linesOf(pids).map(Number).filter(isAlive)).toEqual([]);
  });

  it("[G7] kills the same where the kernel cannot kill a whole group: while it is frozen, one by one", async () => {
    host = await openHost(root, { cgroups: true });
    const launcher = await host.launchers?.take();
    const pids = join(root, "pids");
    const child = `trap "" TERM INT HUP; echo $$ >> ${pids}; sleep 60 & wait; sleep 60`;
    const script = `for i in 1 2 3 4 5; do (env -i setsid sh -c '${child}' &); done; sleep 60`;
    launcher?.launch({
      ...{ program: "/bin/sh", arguments: ["-c", script], folder: "/" },
      ...{ environment: { PATH: "/usr/bin:/bin" }, stdin: undefined },
    });
    await expect.poll(() => linesOf(pids).length, { timeout: 10_000 }).toBe(5);
    launcher?.cgroup.killOneByOne();
    expect(await launcher?.exited).toEqual({ signal: "SIGKILL" });
    await expect.poll(() => launcher?.cgroup.members()).toEqual([]);
    expect(linesOf(pids).map(Number).filter(isAlive)).toEqual([]);
  });

  it("[S16] keeps shells ready: one more beside each start when they run short, the others in the pause after it", async () => {
    host = await openHost(root, { cgroups: true });
    const { cgroups, pipes } = host;
    if (!cgroups) throw new Error("this host has cgroups");
    await host.launchers?.close();
    await expect.poll(() => cgroups.names()).toEqual([]);
    const clock = new ManualClock();
    const pool = await LauncherPool.open({ cgroups, pipes, table: systemProcesses, clock, log: silentLog });
    if (!pool) throw new Error("no pool");
    // A group is there before its shell is; the pool counts a shell once it has been started.
    const members = () => cgroups.names().filter((name) => cgroups.named(name).members().length > 0);
    const ready = (count: number) => expect.poll(() => members().length).toBe(count);
    await ready(6);
    const taken = [await pool.take(), await pool.take()];
    pool.refill();
    // Not at once: four are left.
    await clock.advance(49);
    await ready(6);
    await clock.advance(1);
    await ready(8);
    while (taken.length < 5) taken.push(await pool.take());
    pool.refill();
    // Three are left, and one more is made.
    await ready(9);
    await Promise.all([pool.close(), ...taken.map((launcher) => launcher.discard())]);
    await expect.poll(() => cgroups.names()).toEqual([]);
  });

  it("passes every name and value on as it is, and adds none of the shell's own", async () => {
    host = await openHost(root, { cgroups: true });
    const launcher = await host.launchers?.take();
    const environment = { QUOTE: "it's `$(x)` \\ \n end", OPTIND: "not a number", PWD: "/mine", _: "under" };
    launcher?.launch({
      ...{ program: process.execPath, folder: "/", environment, stdin: undefined },
      arguments: ["-e", `require("fs").writeFileSync("${root}/env", JSON.stringify(process.env))`],
    });
    await launcher?.exited;
    expect(JSON.parse(linesOf(join(root, "env")).join("\n"))).toEqual(environment);
  });
});
