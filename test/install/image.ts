/**
 * The agent in a container, out of the Dockerfile of the documentation: buildah makes the image,
 * and systemd-nspawn runs it as a container engine would, with the program as its first process.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { ROOT } from "../../scripts/lib/paths.ts";
import { childrenOf } from "../harness/processes.ts";
import type { Check, HostScene } from "./checks.ts";
import { until } from "./looks.ts";

const STATE = "/var/lib/farhand";
const imageSchema = z.object({
  OCIv1: z.object({
    config: z.object({ User: z.string(), Entrypoint: z.array(z.string()), Cmd: z.array(z.string()) }),
  }),
});
type Config = z.infer<typeof imageSchema>["OCIv1"]["config"];

export const imageChecks: readonly Check[] = [
  {
    name: "the Dockerfile of the documentation makes a container that works, read-only and without root",
    async run(scene) {
      await scene.offer("1.0.0");
      const container = await AgentContainer.build(scene);
      const enrolled = await container.command("enroll", "--url", scene.plane.url, "--state", STATE);
      assert.match(enrolled, /^Enrolled as /);
      const engine = container.run();
      await until("the agent to be connected", async () => (await scene.connected()).length === 1);
      const { state, output } = await scene.run(
        [
          "id -un; cat /proc/1/comm",
          "touch /opt/x /etc/x 2>/dev/null && echo wrote",
          `touch ${STATE}/mine && rm ${STATE}/mine && echo own`,
        ].join("\n"),
      );
      assert.deepEqual([state, output.split("\n")], ["succeeded", ["farhand", "tini", "own"]]);
      await leavesNoZombies(scene, engine);
      await stopsInOrder(scene, engine);
      return undefined;
    },
  },
];

/** A daemon that a step has left behind on purpose falls to the first process, dead or alive. */
async function leavesNoZombies(scene: HostScene, engine: ChildProcess): Promise<void> {
  const { output } = await scene.run("for i in 1 2 3; do (setsid sleep 5 &); done; sleep 0.5; echo done");
  assert.equal(output, "done");
  const [first = 0] = childrenOf(engine.pid ?? 0);
  assert.ok(childrenOf(first).length > 1, "they live on, and have been handed over to it");
  await until("them to be collected as well", async () => childrenOf(first).length === 1);
}

async function stopsInOrder(scene: HostScene, engine: ChildProcess): Promise<void> {
  const execution = await scene.tenant.run(
    "# Test\n\n```sh {name=step}\necho begun; trap 'echo told; exit' TERM INT; sleep 98764 & wait\n```\n",
  );
  await execution.printed("step", "begun");
  const ended = once(engine, "exit");
  engine.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null], "it stops in order at SIGTERM");
  const { state } = await execution.finished();
  assert.deepEqual([state, execution.stdout("step")], ["failed", "begun\ntold\n"]);
}

class AgentContainer {
  readonly #scene: HostScene;
  readonly #root: string;
  readonly #volume: string;
  readonly #config: Config;

  private constructor(scene: HostScene, root: string, volume: string, config: Config) {
    this.#scene = scene;
    this.#root = root;
    this.#volume = volume;
    this.#config = config;
  }

  static async build(scene: HostScene): Promise<AgentContainer> {
    const folder = join(scene.folder, "containers");
    const context = join(folder, "context");
    await mkdir(context, { recursive: true });
    const store = ["--storage-driver=vfs", `--root=${folder}/images`, `--runroot=${folder}/run`];
    const buildah = async (...args: string[]) => {
      const { failed, stdout, all } = await execa("buildah", [...store, ...args], {
        all: true,
        reject: false,
      });
      if (failed) throw new Error(`buildah ${args.join(" ")} failed:\n${all}`);
      return stdout;
    };
    const dockerfile = await documented(scene);
    const [, from = ""] = /^FROM (\S+)/.exec(dockerfile) ?? [];
    await makeBase(scene, buildah, `docker.io/library/${from}`);
    const file = join(folder, "Dockerfile");
    await writeFile(file, dockerfile);
    await buildah("bud", "--isolation=chroot", "--pull-never", "--tag=farhand", `--file=${file}`, context);
    const { config } = imageSchema.parse(
      JSON.parse(await buildah("inspect", "--type=image", "farhand")),
    ).OCIv1;
    const root = await buildah("mount", await buildah("from", "--pull-never", "farhand"));
    const volume = join(folder, "volume");
    // As engines do.
    await writeFile(join(root, "etc/hosts"), "127.0.0.1 localhost\n");
    // As an engine fills a new volume: with what the image has there, and its owner.
    await execa("cp", ["-a", join(root, STATE), volume]);
    return new AgentContainer(scene, root, volume, config);
  }

  /** `docker run --rm image …` @returns what it prints */
  async command(...args: string[]): Promise<string> {
    const token = await this.#scene.joinToken();
    const { stdout } = await execa("systemd-nspawn", this.#arguments(args, { FARHAND_JOIN_TOKEN: token }));
    return stdout;
  }

  /** `docker run image` */
  run(): ChildProcess {
    const engine = spawn("systemd-nspawn", this.#arguments(this.#config.Cmd), {
      stdio: "ignore",
      detached: true,
    });
    this.#scene.shutdown.add(async () => {
      if (engine.exitCode === null && engine.signalCode === null) engine.kill("SIGKILL");
    });
    return engine;
  }

  #arguments(args: readonly string[], env: Record<string, string> = {}): string[] {
    const { User, Entrypoint } = this.#config;
    return [
      ...["--quiet", "--register=no", "--keep-unit", "--resolv-conf=off", "--kill-signal=SIGTERM"],
      ...["--directory", this.#root, "--read-only", "--no-new-privileges=yes", "--drop-capability=all"],
      ...[`--user=${User}`, `--bind=${this.#volume}:${STATE}`],
      ...Object.entries(env).map(([name, value]) => `--setenv=${name}=${value}`),
      ...["--", ...Entrypoint, ...args],
    ];
  }
}

/** The Dockerfile as it is documented, for this control plane and its release. */
async function documented(scene: HostScene): Promise<string> {
  const page = await readFile(join(ROOT, "docs/operations.md"), "utf8");
  const [, text = ""] = /```dockerfile\n(.*?)```/s.exec(page) ?? [];
  const example = "https://farhand.example.com/releases/1.4.0";
  assert.ok(text.includes(example), "the documentation has a Dockerfile");
  return text.replace(example, `${scene.plane.url}/releases/1.0.0`);
}

/** Stands for the official image, which is a Debian with Node as well. */
async function makeBase(
  { machine }: HostScene,
  buildah: (...args: string[]) => Promise<string>,
  name: string,
): Promise<void> {
  const container = await buildah("from", "scratch");
  const root = await buildah("mount", container);
  await execa("cp", ["-a", `${machine.base}/.`, root]);
  await cp(process.execPath, join(root, "usr/local/bin/node"));
  await buildah("commit", "--quiet", container, name);
}
