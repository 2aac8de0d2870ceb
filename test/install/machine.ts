/**
 * A Debian of its own with a systemd that runs: made once with debootstrap,
 * copied for each use, booted with systemd-nspawn. It shares this machine's
 * loopback, and so reaches the control plane under test.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { execa } from "execa";
import { Problem } from "../../scripts/lib/problem.ts";
import { childrenOf } from "../harness/processes.ts";

const PACKAGES = "systemd,systemd-sysv,dbus,curl,ca-certificates,openssl,procps,sudo,libatomic1";
const BOOT_MS = 90_000;
const POWER_OFF_MS = 60_000;

/** Which Debian packages bring the tools that this needs. */
const TOOLS = {
  debootstrap: "debootstrap",
  "systemd-nspawn": "systemd-container",
  nsenter: "util-linux",
  buildah: "buildah",
};

/** Installs what is missing. @throws Problem when that is not possible here */
export async function requireTools(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Problem(
      "This boots a Debian of its own, which needs root: run it with sudo, or in a container as root.",
    );
  }
  const missing: string[] = [];
  for (const [tool, name] of Object.entries(TOOLS)) {
    const { failed } = await execa("sh", ["-c", `command -v ${tool}`], { reject: false });
    if (failed) missing.push(name);
  }
  if (missing.length === 0) return;
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const { failed } = await execa("apt-get", ["install", "-y", "--no-install-recommends", ...missing], {
    env,
    reject: false,
  });
  if (failed)
    throw new Problem(`Install ${missing.join(" and ")} first (apt-get update && apt-get install …).`);
}

export interface Result {
  code: number;
  /** stdout and stderr as they came. */
  output: string;
}

export class Machine {
  readonly root: string;
  /** The Debian that it is a copy of. */
  readonly base: string;
  readonly #log: string;
  #nspawn: ChildProcess | undefined;
  #init = 0;

  private constructor(root: string, base: string, log: string) {
    this.root = root;
    this.base = base;
    this.#log = log;
  }

  /** A clean machine in a folder of its own, not booted. @param cache keeps the Debian for the next time */
  static async make(cache: string, folder: string): Promise<Machine> {
    const base = join(cache, "bookworm");
    if (!existsSync(base)) {
      const draft = `${base}.new`;
      await rm(draft, { recursive: true, force: true });
      await mkdir(cache, { recursive: true });
      await execa("debootstrap", ["--variant=minbase", `--include=${PACKAGES}`, "bookworm", draft], {
        all: true,
      });
      await rename(draft, base);
    }
    const root = join(folder, "machine");
    await execa("cp", ["-a", "--reflink=auto", base, root]);
    await writeFile(join(root, "etc/hosts"), "127.0.0.1 localhost\n");
    await writeFile(join(root, "etc/hostname"), "farhand-test\n");
    return new Machine(root, base, join(folder, "machine.log"));
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

  /** Stops services, unmounts, and is off; at once when it does not within its time. */
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

  /** Runs a shell script in it, as root. `input` is its stdin. */
  async sh(script: string, input = ""): Promise<Result> {
    const args = ["-t", String(this.#init), "-a", "--", "/bin/sh", "-c", script];
    const env = {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/root",
      LANG: "C",
    };
    const result = await execa("nsenter", args, { input, all: true, reject: false, env, extendEnv: false });
    return { code: result.exitCode ?? -1, output: result.all.trimEnd() };
  }

  /** What a script prints. @throws when it fails */
  async read(script: string): Promise<string> {
    const { code, output } = await this.sh(script);
    if (code !== 0) throw new Error(`${script}\nended with ${code}: ${output}`);
    return output;
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
