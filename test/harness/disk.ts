/**
 * A disk that can lose its power: a file system in a file. What a program wrote
 * and nobody synced is only in the kernel's memory, and is gone with it.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, truncateSync, writeFileSync } from "node:fs";

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
    this.unmount();
    renameSync(`${this.#image}.now`, this.#image);
    this.#mount();
  }

  unmount(): void {
    run("umount", this.folder);
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
