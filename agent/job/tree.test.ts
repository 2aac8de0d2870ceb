import { describe, expect, it } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import { climb, rungsOf } from "./ladder.ts";
import { type ProcessInfo, type ProcessTable, parseStat } from "./processes.ts";
import { MARKER_VARIABLE, ProcessTree } from "./tree.ts";

const MARKER = "abc";

interface FakeProcess extends ProcessInfo {
  marked: boolean;
  printsTo: string;
  ignores: NodeJS.Signals[];
}

/** A process table that a test fills, and that notes every signal. */
class FakeTable implements ProcessTable {
  processes: FakeProcess[] = [];
  signals: { pid: number; signal: NodeJS.Signals }[] = [];

  add(pid: number, more: Partial<FakeProcess> = {}): void {
    const parent = more.parent ?? 100;
    this.processes.push({
      ...{ pid, startTime: 1_000, group: 100, session: 100, zombie: false, stopped: false },
      ...{ userTicks: 0, systemTicks: 0, residentPages: 0 },
      ...{ marked: false, printsTo: "elsewhere", ignores: [], ...more, parent },
    });
  }

  list = async () => this.processes;
  shareOfMemory = () => undefined;
  find = (pid: number) => this.processes.find((each) => each.pid === pid);
  children = (pid: number): number[] | undefined =>
    this.processes.filter((each) => each.parent === pid).map((each) => each.pid);
  groupExists = (group: number) => this.processes.some((each) => each.group === group);
  environmentHas = (pid: number, text: string) =>
    text === `${MARKER_VARIABLE}=${MARKER}\0` &&
    (this.processes.find((each) => each.pid === pid)?.marked ?? false);
  printsTo = (pid: number, pipes: readonly string[]) =>
    pipes.includes(this.processes.find((each) => each.pid === pid)?.printsTo ?? "");
  signal = (pid: number, signal: NodeJS.Signals) => {
    this.signals.push({ pid, signal });
    const found = this.processes.find((each) => each.pid === pid);
    if (found && signal !== "SIGCONT" && !found.ignores.includes(signal)) {
      this.processes = this.processes.filter((each) => each !== found);
    }
  };
}

const root = { pid: 100, startTime: 1_000 };

function treeOf(table: FakeTable, watched = true): ProcessTree {
  return new ProcessTree({ root, marker: MARKER, pipes: ["stdout", "stderr"], table, watched });
}

const pidsOf = (processes: ProcessInfo[]) => processes.map(({ pid }) => pid).sort((a, b) => a - b);

describe("[CX1] the tree of an attempt", () => {
  it("holds children of children, other sessions, and orphans that carry the marker", async () => {
    const table = new FakeTable();
    table.add(1, { group: 1, session: 1, parent: 0, startTime: 1 });
    table.add(100, { parent: 50 });
    table.add(101);
    table.add(102, { parent: 101, group: 102, session: 102 });
    table.add(103, { parent: 1, group: 103, session: 103, marked: true });
    table.add(104, { parent: 103, group: 103, session: 103 });
    table.add(200, { parent: 1, group: 200, session: 200 });
    expect(pidsOf(await treeOf(table).members())).toEqual([100, 101, 102, 103, 104]);
  });

  it("holds what prints to its pipes, whatever else it has cleared and left", async () => {
    const table = new FakeTable();
    table.add(100, { parent: 50 });
    table.add(103, { parent: 1, group: 103, session: 103, printsTo: "stderr" });
    table.add(104, { parent: 1, group: 104, session: 104 });
    expect(pidsOf(await treeOf(table).members())).toEqual([100, 103]);
  });

  it("remembers who was ours after its parents are gone and its environment is clean", async () => {
    const table = new FakeTable();
    table.add(100, { parent: 50 });
    table.add(101, { group: 101, session: 101 });
    const tree = treeOf(table);
    await tree.members();
    table.processes = [];
    table.add(101, { group: 101, session: 101, parent: 1 });
    expect(pidsOf(await tree.members())).toEqual([101]);
  });

  describe("of a process that was double-forked with a clean environment in a session of its own", () => {
    async function lookedAtInTime(table: FakeTable): Promise<ProcessTree> {
      table.add(100, { parent: 50 });
      table.add(101);
      table.add(102, { parent: 101, group: 102, session: 102 });
      const tree = treeOf(table);
      await tree.look();
      table.processes = table.processes.filter(({ pid }) => pid !== 101);
      Object.assign(table.find(102) ?? {}, { parent: 1 });
      return tree;
    }

    it("knows it when it looked while the parent in between lived", async () => {
      const table = new FakeTable();
      expect(pidsOf(await (await lookedAtInTime(table)).members())).toEqual([100, 102]);
    });

    it("knows it also where the kernel tells nobody's children", async () => {
      const table = new FakeTable();
      table.children = () => undefined;
      expect(pidsOf(await (await lookedAtInTime(table)).members())).toEqual([100, 102]);
    });

    it("goes on from it when it looks again, and forgets the dead without forgetting their groups", async () => {
      const table = new FakeTable();
      const tree = await lookedAtInTime(table);
      table.add(103, { parent: 102, group: 102, session: 102 });
      await tree.look();
      table.processes = table.processes.filter(({ pid }) => pid !== 102);
      Object.assign(table.find(103) ?? {}, { parent: 1 });
      table.add(104, { parent: 1, group: 102, session: 102 });
      await tree.look();
      expect(pidsOf(await tree.members())).toEqual([100, 103, 104]);
    });

    it("takes no stranger for it that got a number of the dead", async () => {
      const table = new FakeTable();
      const tree = await lookedAtInTime(table);
      table.processes = table.processes.filter(({ pid }) => pid !== 102);
      table.add(102, { parent: 1, group: 102, session: 102, startTime: 9_999 });
      table.add(105, { parent: 102, group: 102, session: 102, startTime: 9_999 });
      await tree.look();
      expect(pidsOf(await tree.members())).toEqual([100]);
    });
  });

  it("holds what a script that just ended has left in its group, marked or not", async () => {
    const table = new FakeTable();
    table.add(105, { parent: 1 });
    expect(pidsOf(await treeOf(table).group())).toEqual([105]);
  });

  it("does not count the dead", async () => {
    const table = new FakeTable();
    table.add(100, { zombie: true });
    expect(await treeOf(table).members()).toEqual([]);
  });
});

describe("[fault 27] a reused pid is a stranger", () => {
  it("when it has another start time", async () => {
    const table = new FakeTable();
    table.add(100, { startTime: 9_999, group: 7, session: 7, parent: 1 });
    table.add(110, { parent: 100, group: 7, session: 7, startTime: 9_999 });
    expect(await treeOf(table).members()).toEqual([]);
  });

  it("when it founded a group with the old number, after a restart of the agent", async () => {
    const table = new FakeTable();
    table.add(100, { startTime: 9_999, parent: 1 });
    table.add(101, { startTime: 9_999 });
    expect(await treeOf(table, false).members()).toEqual([]);
  });

  it("when it founded a group with the old number, once that group was seen empty", async () => {
    const table = new FakeTable();
    const tree = treeOf(table);
    await tree.members();
    table.add(100, { startTime: 9_999, parent: 1 });
    expect(await tree.members()).toEqual([]);
  });

  it("even when it changes hands between looking and signaling", async () => {
    const table = new FakeTable();
    table.add(100);
    const tree = treeOf(table);
    const members = await tree.members();
    table.processes = [];
    table.add(100, { startTime: 9_999 });
    tree.signal(members, "SIGKILL");
    expect(table.signals).toEqual([]);
  });

  it("when it is older than the attempt, whatever its environment says", async () => {
    const table = new FakeTable();
    table.add(5, { startTime: 1, group: 5, session: 5, parent: 1, marked: true });
    expect(await treeOf(table).members()).toEqual([]);
  });
});

describe("[CX1] the ladder", () => {
  it("is interrupt, terminate, grace, kill", () => {
    expect(rungsOf(10_000)).toEqual([
      { at: 0, signal: "SIGINT" },
      { at: 1_000, signal: "SIGTERM" },
      { at: 10_000, signal: "SIGKILL" },
    ]);
    expect(rungsOf(0)).toEqual([{ at: 0, signal: "SIGKILL" }]);
  });

  async function run(table: FakeTable, graceMs: number) {
    const clock = new ManualClock();
    let result: boolean | undefined;
    const done = climb(treeOf(table), { clock, graceMs, scope: "tree" }).then((confirmed) => {
      result = confirmed;
    });
    const begun = clock.monotonic();
    while (result === undefined) await clock.advance(10);
    await done;
    return { confirmed: result, tookMs: clock.monotonic() - begun };
  }

  it("ends at the first rung that works", async () => {
    const table = new FakeTable();
    table.add(100);
    const { confirmed, tookMs } = await run(table, 10_000);
    expect(confirmed).toBe(true);
    expect(tookMs).toBeLessThan(100);
    expect(table.signals).toEqual([{ pid: 100, signal: "SIGINT" }]);
  });

  it("kills what ignores everything else, when the grace is over", async () => {
    const table = new FakeTable();
    table.add(100, { ignores: ["SIGINT", "SIGTERM"] });
    table.add(101, { ignores: ["SIGINT"] });
    const { confirmed, tookMs } = await run(table, 10_000);
    expect(confirmed).toBe(true);
    expect(tookMs).toBeGreaterThanOrEqual(10_000);
    expect(tookMs).toBeLessThan(10_200);
    expect(table.signals.map(({ pid, signal }) => `${pid} ${signal}`)).toEqual([
      "100 SIGINT",
      "101 SIGINT",
      "100 SIGTERM",
      "101 SIGTERM",
      "100 SIGKILL",
    ]);
  });

  it("wakes a stopped process so that it can obey", async () => {
    const table = new FakeTable();
    table.add(100, { stopped: true, ignores: ["SIGINT"] });
    await run(table, 10_000);
    expect(table.signals.map(({ signal }) => signal)).toEqual(["SIGINT", "SIGCONT", "SIGTERM", "SIGCONT"]);
  });

  it("[CX2] says so when something cannot be killed", async () => {
    const table = new FakeTable();
    table.add(100, { ignores: ["SIGINT", "SIGTERM", "SIGKILL"] });
    const { confirmed, tookMs } = await run(table, 1_000);
    expect(confirmed).toBe(false);
    expect(tookMs).toBeGreaterThanOrEqual(6_000);
  });
});

it("reads /proc/<pid>/stat, whatever the program is called", () => {
  const fields = `S 1 200 300 ${"0 ".repeat(7)}31 12 ${"0 ".repeat(6)}4242 0 99`;
  expect(parseStat(`77 (we) ird) S) ${fields}`)).toEqual({
    ...{ pid: 77, parent: 1, group: 200, session: 300, startTime: 4242, zombie: false, stopped: false },
    ...{ userTicks: 31, systemTicks: 12, residentPages: 99 },
  });
  expect(parseStat(`77 (x) ${fields.replace("S", "T")}`)?.stopped).toBe(true);
  expect(parseStat(`77 (x) ${fields.replace("S", "Z")}`)?.zombie).toBe(true);
  expect(parseStat("")).toBeUndefined();
});
