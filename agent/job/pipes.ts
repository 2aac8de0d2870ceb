/**
 * Real pipes for the output of processes. Node itself connects children through
 * sockets, and a socket cannot be opened again: under it `echo x > /dev/stderr`
 * and `tee /dev/stderr` fail, which runbooks use all the time. Node has no
 * pipe(2), so named ones are made ahead, many per call of `mkfifo`, and lose
 * their name as soon as both ends are open.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, readdirSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { Failure } from "../failure.ts";
import { makePrivateDirectory } from "../files.ts";

const BATCH = 64;
const LOW_WATER = 16;

/** Both ends of a pipe. The child gets `writeEnd`; whoever spawned it closes it afterwards. */
export interface Pipe {
  /** The name that it had; no other pipe ever has it, and the kernel still tells it of who holds this one. */
  name: string;
  readEnd: number;
  writeEnd: number;
}

export class PipePool {
  /** Path of each pipe, but for a number. */
  readonly #prefix: string;
  #names: string[] = [];
  #made = 0;
  #refill: Promise<void> | undefined;

  private constructor(folder: string) {
    this.#prefix = join(folder, `${randomBytes(8).toString("hex")}.`);
  }

  /** @throws Failure when this host has no `mkfifo`. Anything else may heal, and shows when somebody waits for a pipe. */
  static async open(folder: string): Promise<PipePool> {
    makePrivateDirectory(folder);
    for (const name of readdirSync(folder)) unlinkSync(join(folder, name));
    const pool = new PipePool(folder);
    await pool.#make().catch((error) => {
      if (error instanceof Failure) throw error;
    });
    return pool;
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
      execFile("mkfifo", ["-m", "600", ...names], { env: { PATH: MKFIFO_PATH } }, (error, _, said) => {
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

const MKFIFO_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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
