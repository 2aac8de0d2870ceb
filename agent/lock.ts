/**
 * One agent per state directory: two would each tell the control plane half of
 * the truth. A lock is a symbolic link whose target names its holder: it comes
 * into being at once with all it says, and takes no room on a full disk. What a
 * dead holder left is not taken away but followed, by the link with the next
 * number, which only one can make. There is nothing to give back: the lock is
 * held by being alive.
 */
import { readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname } from "node:path";
import { Failure } from "./failure.ts";
import { errorCode } from "./files.ts";
import { systemProcesses } from "./job/processes.ts";

/**
 * Takes the lock for as long as this process lives.
 * @param path of the links, without their numbers
 * @throws Failure when another agent runs on this state directory
 */
export function takeLock(path: string): void {
  const startTime = systemProcesses.find(process.pid)?.startTime ?? 0;
  const target = `${process.pid} ${startTime}`;
  for (;;) {
    const newest = newestOf(path);
    const holder = holderOf(`${path}.${newest}`);
    if (holder !== undefined) {
      throw new Failure(
        `another farhand-agent (process ${holder}) is running on this state directory, or on the one that it was copied from`,
      );
    }
    const own = newest + 1;
    try {
      symlinkSync(target, `${path}.${own}`);
    } catch (error) {
      if (errorCode(error) === "EEXIST") continue;
      throw error;
    }
    const numbers = numbersOf(path);
    if (Math.max(...numbers) === own) {
      for (const older of numbers.filter((each) => each < own)) rmSync(`${path}.${older}`, { force: true });
      return;
    }
    // It was looked at too long ago: the next number had come, and was followed and cleared away.
    rmSync(`${path}.${own}`, { force: true });
  }
}

/** The process that holds the lock, if it lives. */
export function lockHolder(path: string): number | undefined {
  return holderOf(`${path}.${newestOf(path)}`);
}

/**
 * The number of a boot is not asked: in a container two processes can read
 * different ones. What a boot left that began at the same pid and tick as this
 * process did is this process's namesake, and no other can be.
 */
function holderOf(link: string): number | undefined {
  try {
    const [pid, startTime] = readlinkSync(link).split(" ");
    if (Number(pid) === process.pid) return undefined;
    const info = systemProcesses.find(Number(pid));
    return info?.startTime === Number(startTime) && !info.zombie ? info.pid : undefined;
  } catch {
    return undefined;
  }
}

function newestOf(path: string): number {
  return Math.max(0, ...numbersOf(path));
}

function numbersOf(path: string): number[] {
  const prefix = `${basename(path)}.`;
  return namesIn(dirname(path))
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}
