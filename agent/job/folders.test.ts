import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import { silentLog } from "../testing/silent-log.ts";
import { Folders, type WorkdirPolicy } from "./folders.ts";
import { Journal } from "./journal.ts";
import { GATHER_MS } from "./leaving.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

let state: string;
let journal: Journal;
let clock: ManualClock;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "farhand-folders-"));
  mkdirSync(join(state, "executions"));
  journal = Journal.open(join(state, "journal"), silentLog);
  clock = new ManualClock();
});
afterEach(() => {
  journal.close();
  rmSync(state, { recursive: true });
});

const openFolders = (policy: WorkdirPolicy = { keep: "never" }) =>
  new Folders({
    root: join(state, "executions"),
    state,
    journal,
    clock,
    log: silentLog,
    policy: () => policy,
  });

function fill(folders: Folders, executionId: string): string {
  const path = folders.pathOf(executionId);
  mkdirSync(path);
  writeFileSync(join(path, "note"), "kept");
  return path;
}

it("waits a week at the most, whatever the plan says", async () => {
  const folders = openFolders();
  folders.open("exe", "l.1");
  const path = fill(folders, "exe");
  await folders.close("exe", "l.1", Number.POSITIVE_INFINITY);
  await clock.advance(7 * DAY_MS - 1);
  expect(existsSync(path)).toBe(true);
  await clock.advance(1);
  expect(existsSync(path)).toBe(false);
  expect(journal.state.kept.size).toBe(0);
});

it("does not go while a lease is open, and has a new time after it", async () => {
  const folders = openFolders();
  folders.open("exe", "l.1");
  const path = fill(folders, "exe");
  await folders.close("exe", "l.1", clock.now() + 1_000);
  folders.open("exe", "l.2");
  await clock.advance(10_000);
  expect(existsSync(path)).toBe(true);
  await folders.close("exe", "l.2", clock.now() + 1_000);
  await clock.advance(999);
  expect(existsSync(path)).toBe(true);
  await clock.advance(1);
  expect(existsSync(path)).toBe(false);
});

it("is told from what nobody will come back for at the next start", async () => {
  const before = openFolders();
  for (const name of ["kept", "due", "open", "stray"]) {
    before.open(name, "l.1");
    fill(before, name);
  }
  await before.close("kept", "l.1", clock.now() + 10_000);
  await before.close("due", "l.1", clock.now() + 1_000);
  mkdirSync(join(state, "executions", ".leaving-1"));
  void before.suspend();
  await clock.advance(5_000);
  const folders = openFolders();
  folders.open("open", "l.1");
  await folders.tidy();
  expect(readdirSync(join(state, "executions")).sort()).toEqual(["kept", "open"]);
  await clock.advance(5_000);
  expect(readdirSync(join(state, "executions")).filter((name) => !name.startsWith("."))).toEqual(["open"]);
});

it("makes way at once for a new lease of its execution", async () => {
  const folders = openFolders();
  folders.open("exe", "l.1");
  fill(folders, "exe");
  void folders.close("exe", "l.1", undefined);
  folders.open("exe", "l.2");
  const path = fill(folders, "exe");
  await clock.advance(GATHER_MS);
  await expect.poll(() => readdirSync(join(path, ".."))).toEqual(["exe"]);
  expect(readdirSync(path)).toEqual(["note"]);
});

it("[G12] outlasts a restart of an agent that began before its host knew the time", async () => {
  const policy = { keep: "failed", forMs: DAY_MS, maxBytes: 1_000_000 } as const;
  const folders = openFolders(policy);
  clock.wallOffset += 20_000 * DAY_MS;
  for (const executionId of ["failed", "between"]) {
    folders.open(executionId, "l.1");
    fill(folders, executionId);
  }
  await folders.close("failed", "l.1", undefined, true);
  await folders.close("between", "l.1", clock.now() + DAY_MS);
  folders.suspend();

  const restarted = openFolders(policy);
  await restarted.tidy();
  expect(readdirSync(join(state, "executions")).sort()).toEqual(["between", "failed"]);
  restarted.suspend();
});

it("[G12] is not removed because the clock has jumped ahead", async () => {
  const folders = openFolders();
  folders.open("exe", "l.1");
  const path = fill(folders, "exe");
  const until = clock.now() + 10_000;
  clock.wallOffset += 24 * 60 * 60 * 1000;
  await folders.close("exe", "l.1", until);
  await clock.advance(9_999);
  expect(existsSync(path)).toBe(true);
  await clock.advance(1);
  expect(existsSync(path)).toBe(false);
});

const HOUR_MS = 60 * 60 * 1000;

it("is kept for people to look at, where the host wants that, and goes when its time is over", async () => {
  const folders = openFolders({ keep: "always", forMs: HOUR_MS, maxBytes: 1_000 });
  folders.open("exe", "l.1");
  const path = fill(folders, "exe");
  await folders.close("exe", "l.1", undefined);
  await clock.advance(HOUR_MS - 1);
  expect(existsSync(path)).toBe(true);
  await clock.advance(1);
  expect(existsSync(path)).toBe(false);
});

it("is kept after a failure alone, of whichever of its leases", async () => {
  const folders = openFolders({ keep: "failed", forMs: HOUR_MS, maxBytes: 1_000 });
  for (const name of ["good", "bad"]) folders.open(name, "l.1");
  const [good, bad] = [fill(folders, "good"), fill(folders, "bad")];
  await folders.close("good", "l.1", undefined, false);
  await folders.close("bad", "l.1", clock.now() + HOUR_MS, true);
  folders.open("bad", "l.2");
  await folders.close("bad", "l.2", undefined, false);
  expect([good, bad].map((path) => existsSync(path))).toEqual([false, true]);
});

it("makes room for newer ones, oldest first, when those kept to look at are too large", async () => {
  const folders = openFolders({ keep: "always", forMs: HOUR_MS, maxBytes: 9 });
  for (const name of ["one", "two", "three"]) {
    folders.open(name, "l.1");
    fill(folders, name);
    await folders.close(name, "l.1", undefined);
  }
  const left = readdirSync(join(state, "executions")).filter((name) => !name.startsWith("."));
  expect(left.sort()).toEqual(["three", "two"]);
});

/** Puts a link in the place of a folder and the folder in the place of the link, over and over. */
const SWAP = `
const { renameSync: rename } = require("node:fs");
const [, work, elsewhere] = process.argv;
process.chdir(work);
process.stdout.write("ready");
const aside = elsewhere + "/aside", link = elsewhere + "/link";
try { for (;;) { rename("inner", aside); rename(link, "inner"); rename("inner", link); rename(aside, "inner"); } } catch {}
`;

it.runIf(process.getuid?.() === 0)(
  "[S7] a daemon that a step of another user left behind leads the removal nowhere else",
  async () => {
    const victim = join(state, "victim");
    const names = Array.from({ length: 300 }, (_, index) => `f${index}`);
    const fillWith = (folder: string) => {
      mkdirSync(folder, { recursive: true });
      for (const name of names) writeFileSync(join(folder, name), "");
    };
    fillWith(victim);
    for (let tries = 0; tries < 5; tries++) {
      const folders = openFolders();
      folders.open(`exe${tries}`, "l.1");
      const inner = join(folders.pathOf(`exe${tries}`), "users/nobody/deep/inner");
      fillWith(inner);
      const elsewhere = join(state, `elsewhere${tries}`);
      mkdirSync(elsewhere);
      symlinkSync(victim, join(elsewhere, "link"));
      const daemon = spawn(process.execPath, ["-e", SWAP, join(inner, ".."), elsewhere], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      await once(daemon.stdout, "data");
      await folders.close(`exe${tries}`, "l.1", undefined);
      await folders.suspend();
      daemon.kill("SIGKILL");
      expect(readdirSync(victim)).toHaveLength(names.length);
    }
  },
  30_000,
);
