/**
 * A network as companies have them: the control plane's certificate is of their own authority,
 * and nobody resolves its name, or gets to it, but the proxy. The machine shares this machine's
 * loopback; what keeps it from the control plane is that it does not know its name.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect } from "node:net";
import { createServer } from "node:tls";
import { Authority } from "../process/authority.ts";
import { ConnectProxy } from "../process/connectProxy.ts";
import type { Check } from "./checks.ts";
import { isBare, isUp, refused } from "./looks.ts";
import type { Result } from "./machine.ts";
import type { Scene } from "./scene.ts";

const HOST = "farhand.internal";
/** In a folder of the machine that is not looked at for what is left. */
const CA = "/tmp/ca.pem";
const SCRIPT = "/tmp/install.sh";
const DOCTOR = "runuser -u farhand -- farhand-agent doctor --state /var/lib/farhand";

class PrivateNetwork {
  readonly scene: Scene;
  readonly proxy: ConnectProxy;
  readonly url: string;

  private constructor(scene: Scene, proxy: ConnectProxy, url: string) {
    this.scene = scene;
    this.proxy = proxy;
    this.url = url;
  }

  static async around(scene: Scene): Promise<PrivateNetwork> {
    const authority = new Authority(scene.folder, "authority");
    let port = 0;
    const tls = createServer(authority.sign(HOST), (socket) => {
      const upstream = connect(port, "127.0.0.1");
      socket.pipe(upstream).pipe(socket);
      socket.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
      upstream.on("error", () => socket.destroy()).on("close", () => socket.destroy());
    });
    tls.listen(0, "127.0.0.1");
    await once(tls, "listening");
    const proxy = await ConnectProxy.start();
    proxy.names.set(HOST, "127.0.0.1");
    scene.shutdown.add(async () => {
      await proxy.stop();
      tls.close();
    });
    const url = `https://${HOST}:${(tls.address() as AddressInfo).port}`;
    const other = await scene.elsewhere(url);
    port = other.plane.port;
    await scene.machine.sh(`cat >${CA}`, await readFile(authority.file, "utf8"));
    return new PrivateNetwork(other, proxy, url);
  }

  /** Lets the machine go to the control plane directly, or not. */
  async open(isOpen: boolean): Promise<void> {
    const hosts = isOpen ? `127.0.0.1 localhost ${HOST}` : "127.0.0.1 localhost";
    await this.scene.machine.read(`echo ${hosts} >/etc/hosts`);
  }

  /** As people do it there. @param curl its options, for the script itself */
  install(curl: string, options: string): Promise<Result> {
    return this.scene.machine.sh(
      `curl -fsSL --cacert ${CA} ${curl} ${this.url}/install.sh >${SCRIPT} && sh ${SCRIPT} ${options}`,
    );
  }

  /** @param settings of the service, for a doctor who is to go its way */
  async works(settings = "true"): Promise<void> {
    await isUp(this.scene, "1.0.0");
    assert.equal((await this.scene.run("id -un")).output, "farhand");
    const { code, output } = await this.scene.machine.sh(`cd / && ${settings} && ${DOCTOR}`);
    assert.equal(code, 0, output);
  }
}

let network: PrivateNetwork;

/** Begin and end with a bare machine. */
export const networkChecks: readonly Check[] = [
  {
    name: "with `--ca` it trusts a private authority; without, it says so",
    async run(scene, memory) {
      await scene.offer("1.0.0");
      network = await PrivateNetwork.around(scene);
      await network.open(true);
      refused(await network.install("", "--token none"), "--ca FILE");
      refused(await network.install("", `--token none --ca /etc/hostname`), "holds no certificates");
      const token = await network.scene.joinToken();
      const { code, output } = await network.install("", `--ca ${CA} --token ${token}`);
      assert.equal(code, 0, output);
      await network.works();
      const again = await network.install("", "");
      assert.equal(again.code, 0, `it is remembered: ${again.output}`);
      await gone(scene);
      await network.open(false);
      await isBare(scene, memory);
      return undefined;
    },
  },
  {
    name: "behind a proxy it installs and works through it; a wrong one is told",
    async run(scene, memory) {
      const { proxy } = network;
      proxy.credentials = "me:s@cret hunter2";
      const right = proxy.url.replace("//", "//me:s%40cret%20hunter2@");
      const { code: direct } = await scene.machine.sh(`curl -sS --cacert ${CA} ${network.url}`);
      assert.equal(direct, 6, "nobody resolves its name");
      const through = `--proxy ${right}`;
      refused(await network.install(through, `--token none --ca ${CA}`), "--proxy");
      refused(
        await network.install(through, `--token none --ca ${CA} --proxy http://127.0.0.1:1`),
        "through the proxy http://127.0.0.1:1.",
      );
      const wrong = await network.install(
        through,
        `--token none --ca ${CA} --proxy http://me:hunter3@${right.split("@").at(-1)}`,
      );
      refused(wrong, "http://USER:PASSWORD@HOST:PORT");
      assert.ok(!wrong.output.includes("hunter3"), wrong.output);
      await isBare(scene, memory);
      const token = await network.scene.joinToken();
      const { code, output } = await network.install(through, `--ca ${CA} ${through} --token ${token}`);
      assert.equal(code, 0, output);
      await network.works();
      const again = await network.install(through, "");
      assert.equal(again.code, 0, `it is remembered: ${again.output}`);
      assert.deepEqual(new Set(proxy.targets), new Set([new URL(network.url).host]));
      const told = await scene.machine.read("journalctl --no-pager; farhand-agent status");
      assert.ok(!told.includes("hunter2"), "the password is told nobody");
      return undefined;
    },
  },
  {
    name: "with `--no-proxy` it goes past it",
    async run(scene, memory) {
      await network.open(true);
      network.proxy.refusal = "403 Forbidden";
      const { code, output } = await network.install("", `--no-proxy ${HOST}`);
      assert.equal(code, 0, output);
      await network.works("set -a && . /etc/farhand/agent.env");
      await gone(scene);
      await network.open(false);
      await isBare(scene, memory);
      return undefined;
    },
  },
];

async function gone({ machine }: Scene): Promise<void> {
  await machine.read(`sh ${SCRIPT} --uninstall --purge`);
}
