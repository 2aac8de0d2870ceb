/** One attempt on its own, with a journal and a disk that a test can hold up. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { AttemptEnd } from "../../agent/job/attempt.ts";
import type { Host } from "../../agent/job/host.ts";
import { systemProcesses } from "../../agent/job/processes.ts";
import { Spool } from "../../agent/job/spool.ts";
import { attemptOn, closeHost, openHost } from "./attempt.ts";
import { isAlive, lineIn, linesOf, oracle } from "./harness.ts";

let root: string;
let host: Host;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "farhand-run-"));
  host = await openHost(root);
});
afterEach(async () => {
  await closeHost(host);
  rmSync(root, { recursive: true, force: true });
});

const attemptOf = (script: string, spool?: Spool) => attemptOn(host, script, spool);

/** A spool on a disk that is full while `full` is set. */
class FullSpool extends Spool {
  full = true;
  /** How often it has been asked to take something while it was full. */
  refusals = 0;

  override append(...args: Parameters<Spool["append"]>): ReturnType<Spool["append"]> {
    if (!this.full) return super.append(...args);
    this.refusals++;
    throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  }
}

it("[ST1] spawns nothing before `started` is on disk", async () => {
  const written = Promise.withResolvers<void>();
  const path = join(root, "oracle");
  let noted: string | undefined;
  host.journal.appendDurably = (record) => {
    noted = record.type;
    return written.promise;
  };
  const { run, events } = attemptOf(oracle(path));
  const end = run.run();
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect([noted, events, existsSync(path)]).toEqual(["started", [], false]);
  written.resolve();
  expect((await end).outcome).toEqual({ type: "exited", exitCode: 0 });
  expect(linesOf(path)).toHaveLength(1);
});

it("[ST1] refuses the step when the journal cannot be written, and runs nothing", async () => {
  const path = join(root, "oracle");
  host.journal.appendDurably = async () => {
    throw new Error("ENOSPC: no space left on device");
  };
  const { run } = attemptOf(oracle(path));
  expect((await run.run()).outcome).toMatchObject({
    type: "refused",
    code: "prepare_failed",
    detail: expect.stringContaining("journal"),
  });
  expect(existsSync(path)).toBe(false);
});

it("[ST2] a failure of the agent after the spawn is an unknown outcome, and its processes go", async () => {
  const pids = join(root, "pids");
  host.table = {
    ...systemProcesses,
    groupExists: () => {
      throw new Error("too many open files");
    },
  };
  const { run } = attemptOf(`setsid sleep 300 & echo $! > ${pids}; exit 3`);
  const { outcome, leakedOutput } = await run.run();
  expect(outcome).toEqual({
    type: "unknown",
    detail: "the agent failed while this step ran (too many open files); its processes were ended",
  });
  expect(leakedOutput).toBe(false);
  expect(isAlive(Number(await lineIn(pids)))).toBe(false);
});

it("[ST2] a failure of the agent in the midst of the spawn is no refusal either", async () => {
  let spawned = 0;
  host.table = {
    ...systemProcesses,
    find: (pid) => {
      spawned = pid;
      host.table.find = systemProcesses.find;
      throw new Error("too many open files");
    },
  };
  const { run } = attemptOf("sleep 300");
  expect((await run.run()).outcome).toMatchObject({ type: "unknown" });
  expect(spawned).toBeGreaterThan(0);
  expect(isAlive(spawned)).toBe(false);
});

it("[CX1] a cancel that comes while `started` is being written wins: nothing is spawned", async () => {
  const path = join(root, "oracle");
  const { run } = attemptOf(oracle(path));
  const end = run.run();
  run.stop("canceled", 1_000);
  expect((await end).outcome).toEqual({ type: "stopped", reason: "canceled", confirmed: true });
  expect(existsSync(path)).toBe(false);
});

it("[fault 23] a full disk holds the script up, and nothing is lost when there is room again", async () => {
  const spool = new FullSpool(join(root, "spool", "s"), "s", 1);
  const done = join(root, "done");
  const { run } = attemptOf(`head -c 5000000 /dev/zero; touch ${done}`, spool);
  const before = process.memoryUsage().arrayBuffers;
  const end = run.run();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(existsSync(done)).toBe(false);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2_000_000);
  spool.full = false;
  const { cutBytes, outcome } = await end;
  expect(outcome).toEqual({ type: "exited", exitCode: 0 });
  expect(spool.bytes.stdout).toBe(5_000_000);
  expect(cutBytes.stdout).toBe(0);
});

it("[fault 23] a full disk never holds up a cancel, and what it did not take is counted", async () => {
  const spool = new FullSpool(join(root, "spool", "s"), "s", 1);
  const { run } = attemptOf("echo 12345; sleep 300", spool);
  const ended = run.run();
  let end: AttemptEnd | undefined;
  void ended.then((value) => {
    end = value;
  });
  await expect.poll(() => spool.refusals).toBeGreaterThan(0);
  run.stop("canceled", 500);
  await ended;
  expect(end?.outcome).toEqual({ type: "stopped", reason: "canceled", confirmed: true });
  expect(end?.cutBytes.stdout).toBe(6);
});

it("[fault 23] a script that has ended, but whose output the disk does not take, can still be canceled", async () => {
  const spool = new FullSpool(join(root, "spool", "s"), "s", 1);
  const pids = join(root, "pids");
  const { run } = attemptOf(`echo 12345; echo $$ > ${pids}; exit 3`, spool);
  const ended = run.run();
  const pid = await lineIn(pids);
  await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
  await expect.poll(() => spool.refusals).toBeGreaterThan(0);
  run.stop("canceled", 500);
  const { outcome, cutBytes } = await ended;
  expect(outcome).toEqual({ type: "exited", exitCode: 3 });
  expect(cutBytes.stdout).toBe(6);
});
