/**
 * Has an agent die at one named point of its work, as by `kill -9`. Loaded into
 * the real agent ahead of it (`node --import`): it wraps the calls by which the
 * agent writes, and changes nothing else.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { fileURLToPath } from "node:url";

/** Records of the journal, and `chunk` for output on its way into the spool. */
type Written = "lease" | "started" | "spawned" | "chunk" | "finished" | "recorded";

/**
 * `before` the bytes are written, with half of them written (`torn`), right
 * `after`, or once the file was `synced`.
 */
export interface DeathPoint {
  when: "before" | "torn" | "after" | "synced";
  what: Written;
}

export const DEATH_POINTS: readonly DeathPoint[] = [
  { when: "before", what: "lease" },
  { when: "after", what: "lease" },
  { when: "before", what: "started" },
  { when: "after", what: "started" },
  { when: "synced", what: "started" },
  { when: "before", what: "spawned" },
  { when: "after", what: "spawned" },
  { when: "torn", what: "chunk" },
  { when: "after", what: "chunk" },
  { when: "before", what: "finished" },
  { when: "torn", what: "finished" },
  { when: "after", what: "finished" },
  { when: "before", what: "recorded" },
  { when: "after", what: "recorded" },
];

/** The environment of an agent that dies when it comes to this point for the `nth` time. */
export function dyingAt({ when, what }: DeathPoint, nth: number): Record<string, string> {
  const path = fileURLToPath(import.meta.url);
  return { NODE_OPTIONS: `--import ${path}`, FARHAND_TEST_DEATH: `${when} ${what} ${nth}` };
}

/** Takes such an environment back, for another run. */
export const ALIVE = { FARHAND_TEST_DEATH: "" };

const [when, what, nth] = process.env.FARHAND_TEST_DEATH?.split(" ") ?? [];
if (when && what) lieInWait(when, what, Number(nth));

function lieInWait(when: string, what: string, nth: number): void {
  const { writeSync, fdatasync } = fs;
  const die = () => process.kill(process.pid, "SIGKILL");
  let left = nth;
  /** The file in which the point was come to; it waits for its sync. */
  let unsynced: number | undefined;

  const write = (fd: number, bytes: Buffer, start: number, length: number, position: number): number => {
    const isPoint = isOfKind(what, fd, bytes) && --left === 0;
    if (isPoint && when === "before") die();
    if (isPoint && when === "torn") {
      writeSync(fd, bytes, start, length >> 1, position);
      die();
    }
    const written = writeSync(fd, bytes, start, length, position);
    if (isPoint && when === "after") die();
    if (isPoint) unsynced = fd;
    return written;
  };
  const sync = (fd: number, done: (error: Error | null) => void): void =>
    fdatasync(fd, (error) => {
      if (fd === unsynced) die();
      done(error);
    });
  Object.assign(fs, { writeSync: write, fdatasync: sync });
  syncBuiltinESMExports();
}

function isOfKind(what: string, fd: number, bytes: unknown): boolean {
  if (!(bytes instanceof Uint8Array)) return false;
  if (what !== "chunk") return Buffer.from(bytes).includes(`{"type":"${what}"`);
  return fs.readlinkSync(`/proc/self/fd/${fd}`).includes("/spool/");
}
