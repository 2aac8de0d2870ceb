/**
 * The one folder that holds everything a local control plane keeps: databases,
 * objects, logs, the secret that signs sessions, and the demo agent's state.
 */
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { EXIT, Problem } from "./problem.ts";

/** Raised when an older Farhand could no longer read what this one writes, or this one what an older one wrote. */
const FORMAT = 2;

const markSchema = z.object({ farhand: z.literal("data folder"), format: z.number().int().positive() });

export interface DataFolder {
  path: string;
  /** Signs browser sessions. */
  authSecret: string;
  /** Lets another process use the folder. */
  release(): Promise<void>;
}

/**
 * Opens a data folder, or makes one, and keeps others out of it.
 * @throws Problem when it is from another version, in use, or no data folder
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
  const folder = resolve(path);
  await makeFolder(folder).catch((error: Error) => {
    throw new Problem(`The data folder ${folder} cannot be made: ${error.message}`, EXIT.data);
  });
  await checkMark(folder);
  const lock = join(folder, "in-use");
  await takeLock(lock, folder);
  return {
    path: folder,
    authSecret: await readSecret(join(folder, "auth-secret")),
    release: () => rm(lock, { force: true }),
  };
}

/** One after the other: with `recursive`, Node tries for ever where nothing can be made (below /proc). */
async function makeFolder(path: string): Promise<void> {
  if (
    await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    )
  )
    return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  await mkdir(path, { mode: 0o700 });
}

async function checkMark(folder: string): Promise<void> {
  const path = join(folder, "farhand.json");
  const text = await readIfThere(path);
  if (text === undefined) {
    await writeFile(path, `${JSON.stringify({ farhand: "data folder", format: FORMAT })}\n`);
    return;
  }
  const mark = markSchema.safeParse(parseJson(text));
  if (!mark.success) {
    throw new Problem(
      `${path} is damaged. Delete the folder to start afresh, or name another with --data.`,
      EXIT.data,
    );
  }
  if (mark.data.format > FORMAT) throw newerData(folder);
  if (mark.data.format < FORMAT) {
    throw new Problem(
      `The data folder ${folder} was written by an older version of Farhand, from its development, which this one cannot read. Delete it to start afresh, or name another folder with --data.`,
      EXIT.data,
    );
  }
}

/** The same words for everything that shows that a newer Farhand was here. */
export function newerData(folder: string): Problem {
  return new Problem(
    `The data folder ${folder} was written by a newer version of Farhand. Update Farhand, or name another folder with --data.`,
    EXIT.data,
  );
}

async function takeLock(lock: string, folder: string): Promise<void> {
  for (let tries = 0; tries < 2; tries++) {
    try {
      const file = await open(lock, "wx");
      await file.writeFile(String(process.pid));
      await file.close();
      return;
    } catch (error) {
      if (!isCode(error, "EEXIST")) throw error;
    }
    const holder = Number(await readIfThere(lock));
    if (isRunning(holder)) {
      throw new Problem(
        `The data folder ${folder} is in use by process ${holder}. Stop that one, or name another folder with --data.`,
        EXIT.data,
      );
    }
    // Its owner died without a word.
    await rm(lock, { force: true });
  }
  throw new Problem(`The data folder ${folder} is in use by another process.`, EXIT.data);
}

async function readSecret(path: string): Promise<string> {
  const known = (await readIfThere(path))?.trim();
  if (known) return known;
  const secret = randomBytes(32).toString("base64url");
  await writeFile(path, `${secret}\n`, { mode: 0o600 });
  return secret;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, "EPERM");
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
