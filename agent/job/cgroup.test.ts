import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { silentLog } from "../testing/silent-log.ts";
import { Cgroup, Cgroups, ownCgroup } from "./cgroup.ts";
import { Meter } from "./usage.ts";

const NO_LIMITS = { memoryBytes: undefined, processes: undefined, cpu: undefined };
const MIB = 1024 * 1024;
const UNIFIED = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

describe("the agent's own cgroup", () => {
  it.each([
    [
      "of a service",
      "0::/system.slice/farhand-agent.service\n",
      UNIFIED,
      "/sys/fs/cgroup/system.slice/farhand-agent.service",
    ],
    [
      "beside the controllers of v1",
      "4:memory:/a\n0::/b\n",
      "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
      "/sys/fs/cgroup/unified/b",
    ],
    ["at the root", "0::/\n", UNIFIED, "/sys/fs/cgroup"],
    [
      "that is mounted in part",
      "0::/pod/agent-1\n",
      "29 23 0:26 /pod /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
      "/sys/fs/cgroup/agent-1",
    ],
    [
      "in the leaf that it made itself",
      "0::/system.slice/f.service/agent\n",
      UNIFIED,
      "/sys/fs/cgroup/system.slice/f.service",
    ],
    [
      "at a mount with a space",
      "0::/b\n",
      "41 31 0:38 / /mnt/c\\040g rw - cgroup2 cgroup2 rw\n",
      "/mnt/c g/b",
    ],
    [
      "on a host with v1 alone",
      "4:memory:/a\n",
      "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n",
      undefined,
    ],
    ["outside of what is mounted", "0::/../other\n", UNIFIED, undefined],
    [
      "above what is mounted",
      "0::/other\n",
      "29 23 0:26 /pod /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
      undefined,
    ],
    ["without /proc", "", "", undefined],
  ])("is found %s", (_, cgroup, mounts, folder) => {
    expect(ownCgroup(cgroup, mounts)).toBe(folder);
  });
});

describe("a cgroup with all controllers", () => {
  let path: string;
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), "farhand-cgroup-"));
    for (const file of ["memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cpu.max"]) {
      writeFileSync(join(path, file), "");
    }
    writeFileSync(join(path, "cgroup.procs"), "12\n13\n");
  });
  afterEach(() => rmSync(path, { recursive: true }));

  const read = (file: string) => readFileSync(join(path, file), "utf8");
  const limits = { memoryBytes: 512 * MIB, processes: 64, cpu: 1.5 };
  const meterOf = (over: (why: string) => void = () => {}) =>
    new Meter({ limits, cgroup: new Cgroup(path), table: { shareOfMemory: () => undefined }, over });

  it("is told the limits", () => {
    expect(new Cgroup(path).limit(limits)).toEqual({ memory: true, processes: true });
    const files = ["memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cpu.max"];
    expect(files.map(read)).toEqual([String(512 * MIB), "0", "1", "64", "150000 100000"]);
  });

  it("is told nothing where there are no limits, and says what it lacks", () => {
    expect(new Cgroup(path).limit(NO_LIMITS)).toEqual({ memory: false, processes: false });
    rmSync(join(path, "memory.max"));
    expect(new Cgroup(path).limit(limits)).toEqual({ memory: false, processes: true });
    // Be it killed for what others took, it is killed as a whole.
    expect(read("memory.oom.group")).toBe("1");
  });

  it("[fault 26] says when the kernel ended it for its memory, or refused it a process", () => {
    const said: string[] = [];
    const meter = meterOf((why) => said.push(why));
    const events = (oom: number, killed: number) =>
      writeFileSync(
        join(path, "memory.events.local"),
        `low 0\nhigh 0\nmax 17\noom ${oom}\noom_kill ${killed}\noom_group_kill 0\n`,
      );
    events(1, 0);
    expect(meter.endedByKernel).toBeUndefined();
    events(1, 3);
    expect(meter.endedByKernel).toContain("the kernel killed it: over 512MiB of memory");
    events(0, 3);
    expect(meter.endedByKernel).toContain("the kernel killed it: there was no memory left");
    writeFileSync(join(path, "pids.events"), "max 0\n");
    meter.sample([]);
    expect(meter.refused).toBeUndefined();
    expect(said).toEqual([]);
    writeFileSync(join(path, "pids.events"), "max 9\n");
    meter.sample([]);
    expect(said).toEqual([expect.stringContaining("more than 64 processes")]);
    expect(meter.refused).toEqual(said[0]);
  });

  it("knows what all of it has used, and who is in it and below", () => {
    writeFileSync(join(path, "cpu.stat"), "usage_usec 3500\nuser_usec 2400\nsystem_usec 1100\n");
    writeFileSync(join(path, "memory.peak"), "7340032\n");
    expect(meterOf().total).toEqual({ userMs: 2, systemMs: 1, peakMemoryBytes: 7 * MIB });
    mkdirSync(join(path, "inner"));
    writeFileSync(join(path, "inner", "cgroup.procs"), "14\n");
    expect(new Cgroup(path).members()).toEqual([12, 13, 14]);
  });
});

describe("the groups of an agent", () => {
  let base: string;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "farhand-cgroups-"));
  });
  afterEach(() => rmSync(base, { recursive: true }));
  const open = () => new Cgroups({ base, state: "/state", clock: systemClock, log: silentLog });

  // The kernel has whoever makes or removes one wait for every move of a process on the host.
  it("are made and removed while the agent goes on, each after the one before", async () => {
    const cgroups = open();
    const [first, second] = [cgroups.make(), cgroups.make()];
    expect(cgroups.names()).toEqual([]);
    const one = await first;
    const removed = cgroups.close(one);
    expect(existsSync(one.path)).toBe(true);
    const third = cgroups.make();
    await removed;
    expect(existsSync(one.path)).toBe(false);
    const left = await Promise.all([second, third]);
    expect(cgroups.names().sort()).toEqual(left.map(({ path }) => basename(path)).sort());
  });

  it("are made again after one could not be", async () => {
    const cgroups = open();
    rmSync(base, { recursive: true });
    await expect(cgroups.make()).rejects.toThrow("ENOENT");
    mkdirSync(base);
    expect(existsSync((await cgroups.make()).path)).toBe(true);
  });

  it("are removed with those that a step has made below", async () => {
    const cgroups = open();
    const group = await cgroups.make();
    mkdirSync(join(group.path, "inner", "most"), { recursive: true });
    await cgroups.close(group);
    expect(cgroups.names()).toEqual([]);
  });
});
