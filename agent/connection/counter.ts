/**
 * Rule HS5, the agent's side: a number for each try to connect that was never
 * used before, also after a crash. It lies in a file of fixed length that is
 * written in place, which takes no room on a full disk, and a row of numbers is
 * taken at once: a disk that fails under a running agent does not cut it off.
 */
import { closeSync, constants, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { Failure } from "../failure.ts";
import { errorCode, syncDirectory } from "../files.ts";

const TAKEN_AT_ONCE = 64;
const DIGITS = 16;

export class ConnectCounter {
  readonly #path: string;
  #last: number;
  /** Numbers up to this one are on disk as used. */
  #taken: number;

  /** @throws Failure when the file cannot be read, or is damaged */
  static open(path: string): ConnectCounter {
    let text: string;
    try {
      text = readFileSync(path, "latin1");
    } catch (error) {
      if (errorCode(error) === "ENOENT") return new ConnectCounter(path, 0);
      throw new Failure(`cannot read ${path}: ${errorCode(error) ?? "unknown error"}`);
    }
    if (!/^\d{16}\n$/.test(text)) {
      throw new Failure(
        `${path} is damaged: without it the control plane takes this host for a copy; enroll again with --force`,
      );
    }
    return new ConnectCounter(path, Number(text));
  }

  private constructor(path: string, taken: number) {
    this.#path = path;
    this.#last = taken;
    this.#taken = taken;
  }

  /** The next number. @throws when it cannot be put on disk */
  next(): number {
    if (this.#last === this.#taken) {
      this.#write(this.#taken + TAKEN_AT_ONCE);
      this.#taken += TAKEN_AT_ONCE;
    }
    this.#last++;
    return this.#last;
  }

  #write(taken: number): void {
    const fd = openSync(this.#path, constants.O_WRONLY | constants.O_CREAT, 0o600);
    try {
      writeSync(fd, `${String(taken).padStart(DIGITS, "0")}\n`, 0);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    syncDirectory(dirname(this.#path));
  }
}
