/**
 * A host with an installed agent: versions in folders, the two links, and what
 * systemd does for it. The programs are real ones out of real releases; only
 * systemd is played, by a `systemctl` that hands its orders to the test.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { buildTarball } from "../../agent/packaging/archives.ts";
import { makeRelease, signRelease } from "../../scripts/lib/release.ts";
import { clearCgroups } from "../harness/cgroups.ts";
import { clearPipes } from "../harness/pipes.ts";
import { Changes, FakeControlPlane } from "./fake-control-plane.ts";

export const key = generateKeyPairSync("ed25519").privateKey;
const otherKey = createPrivateKey(
  generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }),
);
const RESTART_MS = 50;
/** Watches on folders that come and go miss what happens in them. */
const LOOK_MS = 20;

/** Releases of one test file, made once each. */
export class Releases {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Releases> {
    return new Releases(await mkdtemp(join(tmpdir(), "farhand-releases-")));
  }

  /** The agent as it is, under this version. */
  async add(version: string): Promise<void> {
    await makeRelease({ key, version, folder: join(this.folder, version) });
  }

  /** Another program in place of the agent, which says that it is this version. */
  async addProgram(
    version: string,
    then: string,
    options: { says?: string; foreign?: boolean } = {},
  ): Promise<void> {
    const folder = join(this.folder, version);
    await mkdir(folder);
    const program = join(this.folder, "program.mjs");
    const says = `if (process.argv[2] === "--version") { console.log("${options.says ?? version}"); process.exit(0); }`;
    await writeFile(program, `#!/usr/bin/env node\n${says}\n${then}\n`, { mode: 0o755 });
    await buildTarball(program, join(folder, `farhand-agent-${version}-node.tar.gz`));
    await signRelease(folder, version, options.foreign ? otherKey : key);
  }

  /** A file as a control plane serves it. */
  file(path: string): Buffer | undefined {
    const [, area, version = "", name = ""] = path.split("/");
    const at = join(this.folder, version, name);
    return area === "releases" && existsSync(at) ? readFileSync(at) : undefined;
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

export interface HostOptions {
  releases: Releases;
  version?: string;
  /** Makes the disk that it is installed on. */
  mount?: (folder: string) => void;
  /** Of the policy, such as `{mode: auto, spread: 0s}`. */
  update: string;
}

export class InstalledHost {
  readonly plane: FakeControlPlane;
  readonly root: string;
  readonly changes = new Changes();
  readonly env: Record<string, string>;
  /** What the updater printed. */
  said = "";
  log = "";
  /** Kills the updater as soon as this is true. */
  killWhen: (() => boolean) | undefined;
  kills = 0;
  #agent: ChildProcess | undefined;
  #updater: ChildProcess | undefined;
  /** The request that it was run for last. */
  #asked = "";
  #restarts = 0;
  #over = false;
  #looking: NodeJS.Timeout | undefined;

  private constructor(plane: FakeControlPlane, root: string) {
    this.plane = plane;
    this.root = root;
    this.env = {
      PATH: `${join(root, "bin")}:${dirname(process.execPath)}:/usr/bin:/bin`,
      FARHAND_INSTALLATION: this.installation,
      FARHAND_STATE_DIR: join(root, "state"),
      FARHAND_POLICY: join(root, "policy.yaml"),
      FARHAND_OWN_POLICY: "true",
      FARHAND_TRIAL_SECONDS: "6",
    };
  }

  /** Installs, enrols, starts. */
  static async boot({ releases, version = "1.0.0", update, mount }: HostOptions): Promise<InstalledHost> {
    const plane = await FakeControlPlane.start();
    plane.serves = (path) => releases.file(path);
    const host = new InstalledHost(plane, await mkdtemp(join(tmpdir(), "farhand-host-")));
    for (const folder of ["bin", "units", "installation", "orders"]) mkdirSync(join(host.root, folder));
    mount?.(host.installation);
    host.writePolicy(update);
    const folder = join(host.installation, version);
    mkdirSync(folder);
    const archive = join(releases.folder, version, `farhand-agent-${version}-node.tar.gz`);
    await execa("tar", ["-xzf", archive, "-C", folder, "--strip-components=1"]);
    for (const name of ["current", "proven"]) symlinkSync(version, join(host.installation, name));
    const systemctl = `#!/bin/sh\ncase $1 in restart) echo "$*" >>${host.root}/orders/all ;; show) cat ${host.root}/status ;; esac\n`;
    writeFileSync(join(host.root, "bin/systemctl"), systemctl, { mode: 0o755 });
    writeFileSync(join(host.root, "orders/all"), "");
    host.#note("inactive");
    await host.command("enroll", "--url", plane.url, "--token", "join-me");
    mkdirSync(join(host.root, "state/update"), { mode: 0o700 });
    host.#looking = setInterval(() => {
      void host.#restart();
      host.#path();
    }, LOOK_MS);
    host.#start();
    await plane.connected();
    return host;
  }

  get installation(): string {
    return join(this.root, "installation");
  }

  /** The version that `current` leads to, once it is known to run. */
  async current(): Promise<string> {
    const { stdout } = await execa(join(this.installation, "current/farhand-agent"), ["--version"], {
      env: this.env,
    });
    return stdout;
  }

  link(name: string): string {
    return readlinkSync(join(this.installation, name));
  }

  has(name: string): boolean {
    return existsSync(join(this.installation, name));
  }

  report(): string {
    return this.has("report.json") ? readFileSync(join(this.installation, "report.json"), "utf8") : "";
  }

  writePolicy(update: string): void {
    writeFileSync(join(this.root, "policy.yaml"), `update: ${update}\n`);
  }

  /** Has the running agent read its policy again. */
  reload(): void {
    this.#agent?.kill("SIGHUP");
  }

  /** Runs one command of the current program as root would. */
  command(...args: string[]): Promise<{ code: number | undefined; output: string }> {
    return this.commandUntil(undefined, ...args);
  }

  /** The same, until it is told to stop. */
  async commandUntil(stop: AbortSignal | undefined, ...args: string[]) {
    const program = join(this.installation, "current/farhand-agent");
    const options = { env: this.env, all: true, reject: false, ...(stop && { cancelSignal: stop }) } as const;
    const { exitCode, all } = await execa(program, args, options);
    return { code: exitCode, output: all };
  }

  /** Names, times and sizes of everything that an update changes. */
  files(): string[] {
    return ["installation", "units", "orders", "state/update"]
      .flatMap((folder) => readdirSync(join(this.root, folder), { recursive: true, withFileTypes: true }))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, lstatSync(path)] as const)
      .map(([path, { size, mtimeMs, ino }]) => `${path} ${size} ${mtimeMs} ${ino}`)
      .sort();
  }

  /** Waits for an agent of this version to say hello. */
  connectedAs(version: string): Promise<unknown> {
    return this.plane.changes.until(`an agent of version ${version}`, () =>
      this.plane.controls.some(
        (peer) => peer.closed === undefined && peer.of("hello")[0]?.agentVersion === version,
      ),
    );
  }

  /** Waits for words of the agent's log. */
  logged(words: string): Promise<true> {
    return this.changes.until(`the log to say ${words}`, () => this.log.includes(words));
  }

  /** Waits until the updater is at rest and has said this. */
  updaterSaid(words: string): Promise<true> {
    return this.changes.until(
      `the updater to say ${words}`,
      () => !this.#updater && this.said.includes(words),
    );
  }

  get pid(): number {
    return this.#agent?.pid ?? 0;
  }

  async stop(): Promise<void> {
    this.#over = true;
    clearInterval(this.#looking);
    for (const child of [this.#updater, this.#agent]) await ended(child);
    await this.plane.stop();
    await rm(this.root, { recursive: true, force: true, maxRetries: 5 });
    const state = join(this.root, "state");
    await clearCgroups(state);
    clearPipes(state);
  }

  /** Runs the updater anew whenever there is something to do for it, as the path unit does. */
  #path(): void {
    const request = contentOf(join(this.root, "state/update/request.json"));
    const isDue = (request !== "" && request !== this.#asked) || this.has("trial.json");
    if (!isDue || this.#updater || this.#over) return;
    this.#asked = request;
    const program = join(this.installation, "proven/farhand-agent");
    const args = ["apply-update", "--units", join(this.root, "units")];
    const child = spawn(program, args, { env: this.env, cwd: "/" });
    this.#updater = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text) => {
        this.said += text;
        this.changes.notify();
      });
    }
    const killer = setInterval(() => {
      if (!this.killWhen?.()) return;
      this.killWhen = undefined;
      this.kills++;
      child.kill("SIGKILL");
    }, 1);
    child.once("close", (code) => {
      clearInterval(killer);
      this.#updater = undefined;
      // One that was killed is asked again, as a host does when it is back.
      if (code === null) this.#asked = "";
      this.changes.notify();
    });
  }

  #start(): void {
    if (this.#over) return;
    const program = join(this.installation, "current/farhand-agent");
    const child = spawn(program, ["run"], { env: this.env, stdio: ["ignore", "ignore", "pipe"] });
    this.#agent = child;
    this.#note("active");
    child.stderr.on("data", (text) => {
      this.log += text;
      this.changes.notify();
    });
    child.once("close", () => {
      if (this.#agent !== child || this.#over) return;
      this.#restarts++;
      this.#note("activating");
      setTimeout(() => this.#agent === child && this.#start(), RESTART_MS);
    });
  }

  async #restart(): Promise<void> {
    if (readFileSync(join(this.root, "orders/all"), "utf8") === "") return;
    writeFileSync(join(this.root, "orders/all"), "");
    const before = this.#agent;
    this.#agent = undefined;
    this.#restarts = 0;
    before?.kill("SIGTERM");
    await closed(before);
    this.#start();
  }

  #note(state: string): void {
    writeFileSync(join(this.root, "status"), `ActiveState=${state}\nNRestarts=${this.#restarts}\n`);
  }

  /** As a person appends to a file of root's. */
  append(path: string, text: string): void {
    appendFileSync(join(this.root, path), text);
  }
}

function closed(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("close", () => resolve()));
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  child?.kill("SIGKILL");
  await closed(child);
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
