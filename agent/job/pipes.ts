/**
 * Real pipes for the output of processes. Node itself connects children through
 * sockets, and a socket cannot be opened again: under it `echo x > /dev/stderr`
 * and `tee /dev/stderr` fail, which runbooks use all the time. Node has no
 * pipe(2), so named ones are made ahead, many per call of `mkfifo`, and lose
 * their name as soon as both ends are open.
 */
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { closeSync, constants, openSync, readdirSync, rmSync, statfsSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { Failure } from "../failure.ts";
import { makeOwnFolder, makePrivateDirectory } from "../files.ts";
import { STEP_PATH } from "../runners/environment.ts";

const BATCH = 256;
const LOW_WATER = 32;
/** Where many hosts have a file system in memory, and its kind as `statfs` tells it. */
const MEMORY = "/dev/shm";
const TMPFS = 0x01021994;

/** Both ends of a pipe. The child gets `writeEnd`; whoever spawned it closes it afterwards. */
export interface Pipe {
  /** The name that it had; no other pipe ever has it, and the kernel still tells it of who holds this one. */
  name: string;
  readEnd: number;
  writeEnd: number;
}

export class PipePool {
  readonly #folder: string;
  /** Path of each pipe, but for a number. */
  readonly #prefix: string;
  #names: string[] = [];
  #made = 0;
  #refill: Promise<void> | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#prefix = join(folder, `${randomBytes(8).toString("hex")}.`);
  }

  /**
   * @param own where the names are made on a host that has no place in memory
   * @throws Failure when this host has no `mkfifo`. Anything else may heal, and shows when somebody waits for a pipe.
   */
  static async open(own: string): Promise<PipePool> {
    const inMemory = placeInMemory(own);
    const folder = inMemory !== undefined && makeOwnFolder(inMemory) ? inMemory : own;
    makePrivateDirectory(folder);
    for (const name of readdirSync(folder)) unlinkSync(join(folder, name));
    const pool = new PipePool(folder);
    await pool.#make().catch((error) => {
      if (error instanceof Failure) throw error;
    });
    return pool;
  }

  /** Removes the names that nobody took. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async take(): Promise<Pipe> {
    while (this.#names.length === 0) await this.#make();
    const name = this.#names.pop();
    if (name === undefined) return this.take();
    if (this.#names.length < LOW_WATER) {
      // Ahead of need; a failure shows when the pool is empty and somebody waits for it.
      this.#make().catch(() => {});
    }
    const readEnd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return { name, readEnd, writeEnd: openSync(name, constants.O_WRONLY) };
    } catch (error) {
      closeSync(readEnd);
      throw error;
    } finally {
      unlinkSync(name);
    }
  }

  #make(): Promise<void> {
    this.#refill ??= this.#makeBatch().finally(() => {
      this.#refill = undefined;
    });
    return this.#refill;
  }

  #makeBatch(): Promise<void> {
    const names = Array.from({ length: BATCH }, () => `${this.#prefix}${++this.#made}`);
    return new Promise((resolve, reject) => {
      execFile("mkfifo", ["-m", "600", ...names], { env: { PATH: STEP_PATH } }, (error, _, said) => {
        if (error) {
          const missing = new Failure("this host has no mkfifo: install coreutils or busybox");
          const words = said.trim().split("\n").at(-1) || error.message;
          reject(error.code === "ENOENT" ? missing : new Error(`cannot make pipes: ${words}`));
          return;
        }
        this.#names.push(...names);
        resolve();
      });
    });
  }
}

/**
 * Where the names for the pipes of an agent are made in memory: a disk writes down each one that comes
 * and goes, and takes longer to find room for a new one the more have gone lately.
 * @param own its folder on disk
 * @returns undefined where this host has no such place
 */
export function placeInMemory(own: string): string | undefined {
  try {
    if (statfsSync(MEMORY).type !== TMPFS) return undefined;
  } catch {
    return undefined;
  }
  return join(MEMORY, `farhand-pipes-${createHash("sha256").update(own).digest("hex").slice(0, 16)}`);
}

/** A pipe that is being read. */
export interface PipeReading {
  /** Resolves when it is closed: everybody who could write has gone, or `stop` was called. */
  closed: Promise<void>;
  pause(): void;
  resume(): void;
  stop(): void;
}

/** As much as a pipe holds. One for all: what is read is handed on before anything else is read. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Reads a pipe to its end, and then closes it.
 * @param data gets a view that is only good during the call
 */
export function readPipe(pipe: Pipe, data: (bytes: Uint8Array) => void): PipeReading {
  const socket = new Socket({
    fd: pipe.readEnd,
    readable: true,
    writable: false,
    onread: {
      buffer: readBuffer,
      callback: (length) => {
        data(readBuffer.subarray(0, length));
        return true;
      },
    },
  });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  // A failed read closes it, which is all that there is to say about it.
  socket.on("error", () => {});
  socket.resume();
  return {
    closed,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    stop: () => void socket.destroy(),
  };
}

/** For a pipe that was never handed on. */
export function discard(pipe: Pipe): void {
  closeSync(pipe.readEnd);
  closeSync(pipe.writeEnd);
}
