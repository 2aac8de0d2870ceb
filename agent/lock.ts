/** One agent per state directory: two would each tell the control plane half of the truth. */
import { linkSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { Failure } from "./failure.ts";
import { errorCode } from "./files.ts";
import { systemProcesses } from "./job/processes.ts";
import { processIdSchema } from "./job/records.ts";

/**
 * Takes the lock for as long as this process lives.
 * @returns a function that gives it back
 * @throws Failure when another agent runs on this state directory
 */
export function takeLock(path: string): () => void {
  const startTime = systemProcesses.find(process.pid)?.startTime ?? 0;
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify({ pid: process.pid, startTime }), { mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(draft, path);
        return () => unlinkSync(path);
      } catch (error) {
        if (errorCode(error) !== "EEXIST") throw error;
      }
      const holder = lockHolder(path);
      if (holder !== undefined) {
        throw new Failure(`another farhand-agent (process ${holder}) is running on this state directory`);
      }
      unlinkSync(path);
    }
  } finally {
    unlinkSync(draft);
  }
}

/** The process that holds the lock, if it lives. */
export function lockHolder(path: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  try {
    const { pid, startTime } = processIdSchema.parse(JSON.parse(text));
    const info = systemProcesses.find(pid);
    return info?.startTime === startTime && !info.zombie ? pid : undefined;
  } catch {
    return undefined;
  }
}
