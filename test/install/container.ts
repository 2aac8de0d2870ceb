/**
 * A machine that is booted with systemd-nspawn. It shares this machine's kernel
 * and loopback, and so reaches the control plane under test.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { execa } from "execa";
import { childrenOf } from "../harness/processes.ts";
import { copyDebian } from "./debian.ts";
import { Machine, type Result, SHELL_ENVIRONMENT } from "./machine.ts";

const BOOT_MS = 90_000;
const POWER_OFF_MS = 60_000;

/** What it takes, and the Debian packages that bring it. */
export const CONTAINER_TOOLS = {
  "systemd-nspawn": "systemd-container",
  nsenter: "util-linux",
  buildah: "buildah",
};

export class Container extends Machine {
  readonly root: string;
  /** The Debian that it is a copy of. */
  readonly base: string;
  readonly #log: string;
  #nspawn: ChildProcess | undefined;
  #init = 0;

  private constructor(root: string, base: string, log: string) {
    super();
    this.root = root;
    this.base = base;
    this.#log = log;
  }

  /** A clean machine in a folder of its own, not booted. @param cache keeps the Debian for the next time */
  static async make(cache: string, folder: string): Promise<Container> {
    const root = join(folder, "machine");
    const base = await copyDebian({ cache, name: "bookworm" }, root);
    return new Container(root, base, join(folder, "machine.log"));
  }

  async boot(): Promise<void> {
    const log = openSync(this.#log, "a");
    const quiet = ["--boot", "--register=no", "--keep-unit", "--resolv-conf=off", "--link-journal=no"];
    this.#nspawn = spawn("systemd-nspawn", ["-D", this.root, ...quiet], {
      stdio: ["ignore", log, log],
      // Ctrl-C is for us: a machine is powered off in order.
      detached: true,
    });
    closeSync(log);
    const deadline = performance.now() + BOOT_MS;
    while (!(await this.#isUp())) {
      if (this.#nspawn.exitCode !== null || performance.now() > deadline) {
        throw new Error(`the machine did not boot:\n${await readFile(this.#log, "utf8")}`);
      }
      await wait(100);
    }
  }

  async powerOff(): Promise<void> {
    const nspawn = this.#nspawn;
    if (!nspawn || nspawn.exitCode !== null || nspawn.signalCode !== null) return;
    const gone = once(nspawn, "exit");
    nspawn.kill("SIGTERM");
    const killer = setTimeout(() => nspawn.kill("SIGKILL"), POWER_OFF_MS);
    await gone;
    clearTimeout(killer);
    this.#nspawn = undefined;
  }

  async sh(script: string, input = ""): Promise<Result> {
    const args = ["-t", String(this.#init), "-a", "--", "/bin/sh", "-c", script];
    const options = { input, all: true, reject: false, env: SHELL_ENVIRONMENT, extendEnv: false } as const;
    const result = await execa("nsenter", args, options);
    return { code: result.exitCode ?? -1, output: result.all.trimEnd() };
  }

  async putFile(path: string, from: string): Promise<void> {
    await cp(from, join(this.root, path), { recursive: true });
  }

  /** Names, owners and modes of everything that lasts, without what a running system writes on its own. */
  async inventory(): Promise<string[]> {
    const own = [
      "/proc",
      "/sys",
      "/dev",
      "/run",
      "/tmp",
      "/var/tmp",
      "/var/log",
      "/var/cache",
      "/var/lib/systemd",
    ];
    const prune = own.map((path) => `-path ${path}`).join(" -o ");
    const files = await this.read(`find / \\( ${prune} \\) -prune -o -printf '%p %u:%g %m\\n'`);
    const users = await this.read("getent passwd; getent group");
    const units = await this.read(
      "systemctl list-unit-files --no-legend --no-pager; systemctl list-units --failed --no-legend --no-pager",
    );
    return [...files.split("\n"), ...users.split("\n"), ...units.split("\n")].sort();
  }

  async #isUp(): Promise<boolean> {
    const [init] = childrenOf(this.#nspawn?.pid ?? 0, "systemd");
    if (init === undefined) return false;
    this.#init = init;
    const { output } = await this.sh("systemctl is-system-running");
    return output === "running" || output === "degraded";
  }
}
