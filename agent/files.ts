/** Small things about files that several modules need. */
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { z } from "zod";
import { Failure } from "./failure.ts";

const codedSchema = z.object({ code: z.string() });

/** The code of a system error such as `ENOENT`; undefined for any other error. */
export function errorCode(error: unknown): string | undefined {
  const result = codedSchema.safeParse(error);
  return result.success ? result.data.code : undefined;
}

/**
 * Makes a folder that only this user may enter, and those above it. One after
 * the other: with `recursive`, Node tries for ever where nothing can be made (below /proc).
 */
export function makePrivateDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makePrivateDirectory(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** Makes a folder where others may make some, too. @returns false when there is none, or it is somebody else's */
export function makeOwnFolder(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch {
    const found = lstatSync(path, { throwIfNoEntry: false });
    return (found?.isDirectory() ?? false) && found?.uid === userInfo().uid && (found.mode & 0o066) === 0;
  }
}

/** Flushes a folder, so that names made in it survive a loss of power. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Writes a whole file, by default readable by this user only: after a crash it is the old one or the new one.
 * @param draft where it is written first, in the same folder
 */
export function writeFileAtomically(path: string, text: string, mode = 0o600, draft = `${path}.new`): void {
  const fd = openSync(draft, "w", mode);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, path);
  syncDirectory(dirname(path));
}

/** A folder that cannot be, or not be written to, as something to act on; any other error as it is. */
export function inWords(error: unknown, folder: string): unknown {
  switch (errorCode(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return new Failure(`the disk that holds ${folder} is full: make room on it and try again`);
    case "EROFS":
      return new Failure(
        `the disk that holds ${folder} is mounted read-only: mount it for writing and try again`,
      );
    case "ENOTDIR":
    case "EEXIST":
      return new Failure(noFolderWords(folder));
    case "EACCES":
    case "EPERM":
      return new Failure(
        `this user may not write to ${folder}: run as the user that it belongs to, or choose another with --state`,
      );
    default:
      return error;
  }
}

export function noFolderWords(folder: string): string {
  return `there can be no folder ${folder}, because it or something on the way to it is a file: choose another with --state`;
}

/** Free bytes on the disk of a folder; none when that cannot be told. */
export function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
