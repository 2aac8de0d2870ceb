/**
 * A private sshd on loopback with keys and settings of its own, and three ways
 * to reach it: a fresh connection with ssh's defaults, a fresh one with a fast
 * key exchange, and one connection that many commands share (ControlMaster).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { execa } from "execa";
import { Problem } from "../../scripts/lib/problem.ts";

/** sshd's home for what runs before anybody has logged in; it insists on it when root starts it. */
const PRIVILEGE_SEPARATION = "/run/sshd";
const READY_MS = 10_000;

export type SshWay = "plain" | "tuned" | "shared";

export interface Sshd {
  /** The command line that runs a script of the shell through ssh. */
  argv(way: SshWay, script: string): string[];
  stop(): Promise<void>;
}

/** Undefined where openssh-server is not installed. @throws Problem when it is and does not start */
export async function startSshd(): Promise<Sshd | undefined> {
  const programs = { sshd: find("sshd"), ssh: find("ssh"), keygen: find("ssh-keygen") };
  const { sshd, ssh, keygen } = programs;
  if (!sshd || !ssh || !keygen) return undefined;
  // Short: the path of a socket has room for about 100 characters.
  const folder = mkdtempSync(join(tmpdir(), "fh-ssh-"));
  const port = await freePort();
  for (const name of ["host", "user"]) {
    await execa(keygen, ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)]);
  }
  const { stdout: hostKey } = await execa(keygen, ["-y", "-f", join(folder, "host")]);
  writeFileSync(join(folder, "known_hosts"), `* ${hostKey}\n`);
  writeFileSync(join(folder, "sshd_config"), serverConfig(folder, port));
  writeFileSync(join(folder, "ssh_config"), clientConfig(folder, port));
  const madeHome = makePrivilegeSeparation();
  const children: ChildProcess[] = [];
  const stop = async () => {
    for (const child of children.reverse()) await stopChild(child);
    if (madeHome) rmdirSync(PRIVILEGE_SEPARATION);
    rmSync(folder, { recursive: true, force: true });
  };
  const argv = (way: SshWay, script: string) => [ssh, "-F", join(folder, "ssh_config"), way, script];
  try {
    children.push(start(sshd, ["-D", "-e", "-f", join(folder, "sshd_config")]));
    await untilWorks(argv("plain", "true"));
    children.push(start(ssh, ["-F", join(folder, "ssh_config"), "-M", "-N", "shared"]));
    await untilWorks([ssh, "-F", join(folder, "ssh_config"), "-O", "check", "shared"]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { argv, stop };
}

function serverConfig(folder: string, port: number): string {
  return `
ListenAddress 127.0.0.1
Port ${port}
HostKey ${join(folder, "host")}
AuthorizedKeysFile ${join(folder, "user.pub")}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
# The default of 10 would turn away every second job of 20 in flight.
MaxSessions 64
MaxStartups 100
# Keeps bash from reading the user's own .bashrc, which is no part of what ssh costs.
SetEnv SHLVL=2
`;
}

function clientConfig(folder: string, port: number): string {
  return `
Host *
  HostName 127.0.0.1
  Port ${port}
  User ${userInfo().username}
  IdentityFile ${join(folder, "user")}
  IdentitiesOnly yes
  UserKnownHostsFile ${join(folder, "known_hosts")}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  LogLevel ERROR
Host tuned
  KexAlgorithms curve25519-sha256
Host shared
  ControlPath ${join(folder, "shared")}
`;
}

function start(program: string, args: string[]): ChildProcess {
  return spawn(program, args, { stdio: "ignore" });
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

async function untilWorks([program = "", ...args]: string[]): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    const { failed, stderr } = await execa(program, args, { reject: false, stdin: "ignore" });
    if (!failed) return;
    if (performance.now() > deadline) throw new Problem(`The private sshd does not answer: ${stderr}`);
    await wait(50);
  }
}

/** True when it had to be made, and so has to be taken away again. */
function makePrivilegeSeparation(): boolean {
  if (process.getuid?.() !== 0 || existsSync(PRIVILEGE_SEPARATION)) return false;
  mkdirSync(PRIVILEGE_SEPARATION, { mode: 0o755 });
  return true;
}

function find(program: string): string | undefined {
  // sshd lives where only root's PATH looks, and has to be started by its whole path.
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || !address) throw new Problem("There is no free port on loopback.");
  return address.port;
}
