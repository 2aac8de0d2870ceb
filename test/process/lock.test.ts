/** One agent per state directory, however many are started at once on what a dead one left. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemProcesses } from "../../agent/job/processes.ts";
import { takeLock } from "../../agent/lock.ts";

let folder: string;
let contenders: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "farhand-lock-"));
});
afterEach(() => {
  for (const each of contenders) each.kill("SIGKILL");
  contenders = [];
  rmSync(folder, { recursive: true });
});

async function addContenders(count: number): Promise<void> {
  const added = Array.from({ length: count }, () => fork(join(import.meta.dirname, "lock-contender.ts")));
  contenders.push(...added);
  await Promise.all(added.map((each) => once(each, "message")));
}

it("of 20 starts at one moment on a stale lock, exactly one wins, time after time", async () => {
  const path = join(folder, "lock");
  await addContenders(20);
  for (let round = 0; round < 12; round++) {
    const at = Date.now() + 30;
    const answers = await Promise.all(
      contenders.map(async (each) => {
        const answer = once(each, "message");
        each.send({ path, at });
        const [{ won, words }] = await answer;
        return { each, won, words };
      }),
    );
    const winners = answers.filter(({ won }) => won).map(({ each }) => each);
    expect(winners).toHaveLength(1);
    const [winner] = winners;
    const refusals = new Set(answers.flatMap(({ won, words }) => (won ? [] : [words])));
    expect(Array.from(refusals)).toEqual([
      `another farhand-agent (process ${winner?.pid}) is running on this state directory, or on the one that it was copied from`,
    ]);
    winner?.kill("SIGKILL");
    if (winner) await once(winner, "exit");
    contenders = contenders.filter((each) => each !== winner);
    await addContenders(1);
  }
  expect(readdirSync(folder)).toHaveLength(1);
}, 60_000);

it("is held by whoever began then, whatever number each has read for the boot", async () => {
  const path = join(folder, "lock");
  await addContenders(1);
  const pid = contenders[0]?.pid ?? 0;
  symlinkSync(`${pid} ${systemProcesses.find(pid)?.startTime} another-boot`, `${path}.1`);
  expect(() => takeLock(path)).toThrow(`another farhand-agent (process ${pid}) is running`);
});

it("is not kept from a process by a namesake of it from an earlier boot", () => {
  const path = join(folder, "lock");
  symlinkSync(`${process.pid} ${systemProcesses.find(process.pid)?.startTime}`, `${path}.1`);
  takeLock(path);
  expect(readdirSync(folder)).toEqual(["lock.2"]);
});
