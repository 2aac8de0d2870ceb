/** A control plane that offers releases, a tenant on it, and a clean machine: what an installation is tried on. */

import type { KeyObject } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { agentSchema, joinTokenCreatedSchema } from "#protocol/api/pools.ts";
import { bundleAgent } from "../../agent/build.ts";
import { buildTarball } from "../../agent/packaging/archives.ts";
import { buildExecutable } from "../../agent/packaging/executable.ts";
import { type ControlPlane, startControlPlane } from "../../scripts/lib/controlPlane.ts";
import { ROOT } from "../../scripts/lib/paths.ts";
import { makeRelease, pinOf, pointTo, releaseKey, signRelease } from "../../scripts/lib/release.ts";
import type { Shutdown } from "../../scripts/lib/shutdown.ts";
import { Tenant } from "../harness/tenant.ts";
import type { Machine, Result } from "./machine.ts";

const UNIT = "farhand-agent.service";
const PLATFORM = "linux-x64";

export class Scene<M extends Machine = Machine> {
  readonly machine: M;
  readonly tenant: Tenant;
  readonly plane: ControlPlane;
  readonly releases: string;
  readonly key: KeyObject;
  /** For what a check needs beside the machine. */
  readonly folder: string;
  readonly shutdown: Shutdown;

  private constructor(
    fields: Pick<Scene<M>, "machine" | "tenant" | "plane" | "releases" | "key" | "folder" | "shutdown">,
  ) {
    this.folder = fields.folder;
    this.shutdown = fields.shutdown;
    this.machine = fields.machine;
    this.tenant = fields.tenant;
    this.plane = fields.plane;
    this.releases = fields.releases;
    this.key = fields.key;
  }

  /** @param make makes the machine, which has to reach the control plane on its own loopback */
  static async open<M extends Machine>(
    folder: string,
    shutdown: Shutdown,
    make: (plane: ControlPlane) => Promise<M>,
  ): Promise<Scene<M>> {
    const { key } = await releaseKey(join(folder, "key.pem"));
    const releases = join(folder, "releases");
    await mkdir(releases);
    const { plane, tenant } = await controlPlane({ data: join(folder, "data"), key, releases, shutdown });
    const machine = await make(plane);
    shutdown.add(() => machine.powerOff());
    await machine.boot();
    return new Scene({ machine, tenant, plane, releases, key, folder, shutdown });
  }

  /** The same machine and releases with another control plane, which is published under this address. */
  async elsewhere(publicUrl: string): Promise<Scene<M>> {
    const data = join(this.folder, "data-elsewhere");
    return new Scene({ ...this, ...(await controlPlane({ ...this, data, publicUrl })) });
  }

  /** Makes a whole release and offers it as the newest. */
  async release(version: string): Promise<void> {
    const folder = join(this.releases, version);
    await makeRelease({ key: this.key, version, nodes: { [PLATFORM]: process.execPath }, folder });
    await this.offer(version);
  }

  /** A release with nothing but what the installer takes: this program, or the agent with another version in it. */
  async smallRelease(version: string, program?: string): Promise<void> {
    const folder = join(this.releases, version);
    await mkdir(folder, { recursive: true });
    const file = join(this.releases, "..", `program-${version}`);
    if (program === undefined) {
      const bundle = `${file}.mjs`;
      await bundleAgent({ outfile: bundle, version, releaseKey: pinOf(this.key) });
      await buildExecutable(bundle, process.execPath, file);
    } else {
      await writeFile(file, program, { mode: 0o755 });
    }
    await buildTarball(file, join(folder, `farhand-agent-${version}-${PLATFORM}.tar.gz`));
    await rm(file);
    await writeFile(join(folder, "install.sh"), await readFile(join(ROOT, "agent/packaging/install.sh")));
    await signRelease(folder, version, this.key);
    await this.offer(version);
  }

  /** Changes a file of an offered release behind its signature's back. */
  async tamper(version: string, name: string, change: (bytes: Buffer) => Buffer): Promise<void> {
    const path = join(this.releases, version, name);
    await writeFile(path, change(await readFile(path)));
    await this.plane.publish();
  }

  /** As people do it: out of the control plane into a shell. */
  install(options = ""): Promise<Result> {
    return this.machine.sh(`curl -fsSL ${this.plane.url}/install.sh | sh -s -- ${options}`);
  }

  /** The installer as it is offered now, for later. */
  async script(): Promise<string> {
    return (await fetch(`${this.plane.url}/install.sh`)).text();
  }

  async joinToken(): Promise<string> {
    const body = { poolId: this.tenant.poolId };
    return (await this.tenant.api.call(joinTokenCreatedSchema, "POST", "/join-tokens", { body })).token;
  }

  /** The agents that are connected. */
  async connected() {
    const agents = await this.tenant.api.call(z.array(agentSchema), "GET", "/agents");
    return agents.filter((agent) => agent.presence);
  }

  /** What systemd says of the unit. */
  unit(property: string): Promise<string> {
    return this.machine.read(`systemctl show --property=${property} --value ${UNIT}`);
  }

  /** Command lines of the processes in the unit's control group, those of steps included. */
  async processes(): Promise<string[]> {
    const group = await this.unit("ControlGroup");
    const text = await this.machine.read(
      `for root in /sys/fs/cgroup /sys/fs/cgroup/unified; do
         find $root${group} -name cgroup.procs -exec cat {} + 2>/dev/null
       done | sort -u | while read pid; do ps -o args= -p $pid; done; true`,
    );
    return text.split("\n").filter(Boolean);
  }

  /** Runs a script as a step to its end; what it printed. @param user whom its block names */
  async run(script: string, user?: string): Promise<{ state: string; output: string }> {
    const options = user === undefined ? "name=step" : `name=step user=${user}`;
    const execution = await this.tenant.run(`# Test\n\n\`\`\`sh {${options}}\n${script}\n\`\`\`\n`);
    const { state } = await execution.finished();
    return { state, output: execution.stdout("step").trimEnd() };
  }

  async offer(version: string): Promise<void> {
    await pointTo(this.releases, version);
    await this.plane.publish();
  }
}

interface Where {
  data: string;
  key: KeyObject;
  releases: string;
  publicUrl?: string;
  shutdown: Shutdown;
}

/** A control plane, and a tenant on it. */
async function controlPlane({ data, key, releases, publicUrl, shutdown }: Where) {
  const plane = await startControlPlane({
    dataDir: data,
    authSecret: "a secret for tests that is long enough",
    port: 0,
    settings: { RATE_LIMIT_PER_MINUTE: "1000000", RELEASE_KEY: pinOf(key) },
    releases,
    ...(publicUrl && { publicUrl }),
  });
  shutdown.add(() => plane.stop());
  const tenant = await Tenant.signUp(plane.url, publicUrl);
  shutdown.add(async () => tenant.close());
  return { plane, tenant };
}
