/**
 * A Debian with a kernel of its own, which this machine's has no say in: emulated
 * in software by QEMU, so that it is the same on every host, and slow. Its port
 * of the control plane leads to this machine's, by QEMU's own network.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { execa } from "execa";
import { copyDebian } from "../install/debian.ts";
import { Machine, type Result } from "../install/machine.ts";
import { GuestAgent } from "./guestAgent.ts";

const BOOT_MS = 300_000;
const POWER_OFF_MS = 90_000;
const MEMORY_MIB = 1536;
/** Takes no more than what is written to it. */
const DISK_SIZE = "3G";
/** What QEMU calls this machine's loopback. */
const HOST = "10.0.2.2";

/** What it takes, and the Debian packages that bring it. */
export const VIRTUAL_MACHINE_TOOLS = { "qemu-system-x86_64": "qemu-system-x86", mke2fs: "e2fsprogs" };

const NETWORK = "[Match]\nType=ether\n\n[Network]\nDHCP=yes\nIPv6AcceptRA=no\n";
const forwardSocket = (port: number) =>
  `[Socket]\nListenStream=127.0.0.1:${port}\nListenStream=[::1]:${port}\n`;
const forwardService = (port: number) =>
  `[Service]\nExecStart=/lib/systemd/systemd-socket-proxyd ${HOST}:${port}\n`;

export class VirtualMachine extends Machine {
  readonly #folder: string;
  #qemu: ChildProcess | undefined;
  #agent: GuestAgent | undefined;
  /** For the kernel, beyond what it needs to start. */
  kernelArguments = "";

  private constructor(folder: string) {
    super();
    this.#folder = folder;
  }

  /**
   * A clean machine, not booted.
   * @param cache keeps the Debian for the next time
   * @param port of this machine's loopback, which is the same on its own
   */
  static async make(cache: string, folder: string, port: number): Promise<VirtualMachine> {
    const root = join(folder, "root");
    const packages = ["linux-image-cloud-amd64", "udev", "qemu-guest-agent"];
    await copyDebian({ cache, name: "bookworm-kernel", packages }, root);
    const units = join(root, "etc/systemd/system");
    await writeFile(join(root, "etc/systemd/network/ether.network"), NETWORK);
    await writeFile(join(units, "control-plane.socket"), forwardSocket(port));
    await writeFile(join(units, "control-plane.service"), forwardService(port));
    for (const [target, unit] of [
      ["sockets.target", join(units, "control-plane.socket")],
      ["multi-user.target", join(root, "lib/systemd/system/systemd-networkd.service")],
    ] as const) {
      await mkdir(join(units, `${target}.wants`), { recursive: true });
      await symlink(
        unit.slice(root.length),
        join(units, `${target}.wants`, unit.slice(unit.lastIndexOf("/") + 1)),
      );
    }
    await execa("cp", ["-L", join(root, "vmlinuz"), join(root, "initrd.img"), folder]);
    await execa("mke2fs", ["-q", "-t", "ext4", "-d", root, join(folder, "disk"), DISK_SIZE]);
    await rm(root, { recursive: true });
    return new VirtualMachine(folder);
  }

  async boot(): Promise<void> {
    const at = (name: string) => join(this.#folder, name);
    const log = openSync(at("qemu.log"), "a");
    const port = at("guest-agent");
    await rm(port, { force: true });
    const kernel = `root=/dev/vda rw console=ttyS0 panic=-1 ${this.kernelArguments}`;
    const qemu = spawn(
      "qemu-system-x86_64",
      [
        ...["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", String(MEMORY_MIB)],
        ...["-nodefaults", "-display", "none", "-no-reboot", "-serial", `file:${at("console.log")}`],
        ...["-kernel", at("vmlinuz"), "-initrd", at("initrd.img"), "-append", kernel],
        ...["-drive", `file=${at("disk")},format=raw,if=virtio,cache=unsafe`],
        ...["-nic", "user,model=virtio-net-pci"],
        ...["-chardev", `socket,id=agent,path=${port},server=on,wait=off`, "-device", "virtio-serial"],
        ...["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"],
      ],
      // Ctrl-C is for us: a machine is powered off in order.
      { stdio: ["ignore", log, log], detached: true },
    );
    closeSync(log);
    this.#qemu = qemu;
    const killer = setTimeout(() => qemu.kill("SIGKILL"), BOOT_MS);
    try {
      while (!existsSync(port) && qemu.exitCode === null) await wait(50);
      this.#agent = new GuestAgent(port);
      await this.#agent.greet(BOOT_MS);
      while (!/running|degraded/.test((await this.sh("systemctl is-system-running")).output)) await wait(500);
    } catch (error) {
      const told = await Promise.all(
        ["qemu.log", "console.log"].map((name) => readFile(at(name), "utf8").catch(() => "")),
      );
      throw new Error(`the machine did not boot:\n${told.join("").slice(-4_000)}`, { cause: error });
    } finally {
      clearTimeout(killer);
    }
  }

  async powerOff(): Promise<void> {
    const qemu = this.#qemu;
    if (!qemu || qemu.exitCode !== null || qemu.signalCode !== null) return;
    const gone = once(qemu, "exit");
    const killer = setTimeout(() => qemu.kill("SIGKILL"), POWER_OFF_MS);
    // It is gone before it could say that it goes; one that never booted is not asked.
    this.#agent?.sh("systemctl poweroff", "").catch(() => {});
    await gone;
    clearTimeout(killer);
    this.#agent?.close();
    this.#agent = undefined;
    this.#qemu = undefined;
  }

  async sh(script: string, input = ""): Promise<Result> {
    if (!this.#agent) throw new Error("the machine is off");
    return this.#agent.sh(script, input);
  }
}
