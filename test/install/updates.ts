/** What an agent that replaces itself does to a host, with the real systemd between it and root. */
import assert from "node:assert/strict";
import { poolSchema } from "#protocol/api/pools.ts";
import type { Check } from "./checks.ts";
import { isUp, until } from "./looks.ts";
import type { Scene } from "./scene.ts";

const SAYS = (version: string) => `#!/bin/sh\n[ "$1" != --version ] || { echo ${version}; exit 0; }\n`;

/** Begin with 1.1.0 connected, and leave 1.4.0. */
export const updateChecks: readonly Check[] = [
  {
    name: "the units of the updater are verified and confined",
    async run({ machine }) {
      const units = "farhand-agent-update.service farhand-agent-update.path";
      assert.equal(await machine.read(`systemd-analyze verify ${units}`), "");
      const report = await machine.read("systemd-analyze security --no-pager farhand-agent-update.service");
      const score = Number(/exposure level .*: ([\d.]+)/.exec(report)?.[1]);
      assert.ok(score <= 3, `exposure is ${score}`);
      return `exposure ${score}`;
    },
  },
  {
    name: "without a word in its policy it stays what it is, and says what it could be",
    async run(scene, memory) {
      await scene.smallRelease("1.4.0");
      await want(scene, "1.4.0");
      await until("the journal to say so", async () =>
        (await scene.machine.read("journalctl --no-pager -u farhand-agent")).includes("1.4.0 is available"),
      );
      await isUp(scene, "1.1.0", memory.agentId);
      return undefined;
    },
  },
  {
    name: "with `auto` it updates itself, by root's hand",
    async run(scene, memory) {
      await policy(scene, "{mode: auto, spread: 0s}");
      await isUp(scene, "1.4.0", memory.agentId);
      await settled(scene);
      assert.deepEqual(await links(scene), ["1.4.0", "1.4.0"]);
      const owner = await scene.machine.read("find /opt/farhand ! -user root -o -perm /022 ! -type l");
      assert.equal(owner, "", "all of it is root's");
      assert.match(await scene.machine.read("farhand-agent status"), /1\.4\.0 was installed/);
      return undefined;
    },
  },
  {
    name: "a version that does not start is taken back",
    async run(scene, memory) {
      await scene.smallRelease("1.5.0", `${SAYS("1.5.0")}exit 1\n`);
      await want(scene, "1.5.0");
      await wentBack(scene, "1.5.0");
      await isUp(scene, "1.4.0", memory.agentId);
      const [agent] = await scene.connected();
      assert.match(agent?.presence?.update?.problem?.reason ?? "", /came down|does not start/);
      return agent?.presence?.update?.problem?.reason;
    },
  },
  {
    name: "a version that starts and does not connect is taken back",
    async run(scene, memory) {
      await scene.machine.read("echo FARHAND_TRIAL_SECONDS=15 >>/etc/farhand/agent.env");
      await scene.smallRelease("1.6.0", `${SAYS("1.6.0")}exec sleep infinity\n`);
      await want(scene, "1.6.0");
      await wentBack(scene, "1.6.0");
      await isUp(scene, "1.4.0", memory.agentId);
      return undefined;
    },
  },
  {
    name: "a host that is rebooted in the middle of a trial goes back as well",
    async run(scene, memory) {
      await scene.smallRelease("1.7.0", `${SAYS("1.7.0")}exec sleep infinity\n`);
      await want(scene, "1.7.0");
      await until("the trial", async () => (await links(scene))[0] === "1.7.0");
      await scene.machine.powerOff();
      await scene.machine.boot();
      await wentBack(scene, "1.7.0");
      await isUp(scene, "1.4.0", memory.agentId);
      await scene.machine.read("sed -i /FARHAND_TRIAL/d /etc/farhand/agent.env; rm /etc/farhand/policy.yaml");
      return undefined;
    },
  },
];

async function want({ tenant }: Scene, agentVersion: string): Promise<void> {
  await tenant.api.call(poolSchema, "PUT", `/pools/${tenant.poolId}`, { body: { agentVersion } });
}

async function policy({ machine }: Scene, update: string): Promise<void> {
  await machine.read(
    `echo 'update: ${update}' >/etc/farhand/policy.yaml && systemctl kill --kill-who=main --signal=HUP farhand-agent`,
  );
}

function links({ machine }: Scene): Promise<string[]> {
  return machine.read("cd /opt/farhand && readlink current proven").then((text) => text.split("\n"));
}

async function settled({ machine }: Scene): Promise<void> {
  await until(
    "the end of the trial",
    async () => (await machine.sh("test -e /opt/farhand/trial.json")).code === 1,
  );
}

async function wentBack(scene: Scene, version: string): Promise<void> {
  await until(`${version} to be taken back`, async () => {
    const report = await scene.machine.read("cat /opt/farhand/report.json");
    return (
      report.includes(`"request"`) &&
      new RegExp(`"version": "${version}",\\s+"outcome": "went_back"`).test(report)
    );
  });
  await settled(scene);
  assert.deepEqual(await links(scene), ["1.4.0", "1.4.0"]);
}
