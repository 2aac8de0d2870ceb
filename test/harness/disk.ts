/**
 * A disk that can lose its power, fill up or fail: a file system in a file. What
 * a program wrote and nobody synced is only in the kernel's memory.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { untilTrue } from "./files.ts";

/** Agents start nothing on a disk with little room. */
const SIZE_BYTES = 256 * 1024 * 1024;
/** By itself the kernel writes nothing for so long, s: what is there was synced. */
const COMMIT_S = 300;

/** Why there can be no such disk here; undefined when there can. */
export const noDiskBecause =
  process.getuid?.() === 0 ? undefined : "mounting a file system takes root, and this user is not";

export class Disk {
  readonly folder: string;
  readonly #image: string;

  private constructor(folder: string, image: string) {
    this.folder = folder;
    this.#image = image;
  }

  /** Makes one and mounts it; the folder appears. */
  static create(folder: string): Disk {
    const disk = new Disk(folder, `${folder}.img`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(disk.#image, "");
    truncateSync(disk.#image, SIZE_BYTES);
    run("mkfs.ext4", "-q", disk.#image);
    disk.#mount();
    return disk;
  }

  /**
   * The power fails, and what was at work is gone with it; the disk comes back with what was synced.
   * @param endEverything ends every process that has a file open there
   */
  async losePower(endEverything: () => Promise<void>): Promise<void> {
    run("cp", "--sparse=always", this.#image, `${this.#image}.now`);
    await endEverything();
    await this.unmount();
    renameSync(`${this.#image}.now`, this.#image);
    this.#mount();
  }

  /** Takes what is left of it, to the last byte. */
  fill(): void {
    for (let size = 8 * 1024 * 1024; size >= 1; ) {
      try {
        writeFileSync(this.#filler, Buffer.alloc(size), { flag: "a" });
      } catch {
        size >>= 1;
      }
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(this.#filler, { force: true });
  }

  /** From now on every access ends with EIO, as on a disk that was pulled out. */
  fail(): void {
    const shutdown = 'my $how = pack("L", 1); open(D, "<", $ARGV[0]) && ioctl(D, 0x8004587d, $how) or die $!';
    run("perl", "-e", shutdown, this.folder);
  }

  /** It can only be read from now on, also by who has files open for writing: what ext4 does when it finds itself damaged. */
  turnReadOnly(): void {
    run("mount", "-o", "remount,abort", this.folder);
  }

  /** What `fail` and `turnReadOnly` did is mended. Nobody may have a file open there. */
  async mend(): Promise<void> {
    await this.unmount();
    this.#mount();
  }

  /** What was killed a moment ago may have files open there still. */
  unmount(): Promise<void> {
    return untilTrue("everybody to leave the disk", () => {
      try {
        run("umount", this.folder);
        return true;
      } catch {
        return false;
      }
    });
  }

  get #filler(): string {
    return join(this.folder, "filler");
  }

  #mount(): void {
    run("mount", "-o", `loop,commit=${COMMIT_S}`, this.#image, this.folder);
  }
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
}
