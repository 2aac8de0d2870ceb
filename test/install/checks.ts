/** What an installation has to hold, in the order in which it happens to a host. */
import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import type { Check as CheckOf } from "./check.ts";
import type { Container } from "./container.ts";
import { imageChecks } from "./image.ts";
import { libraryChecks } from "./library.ts";
import { isBare, isUp, refused, until } from "./looks.ts";
import { networkChecks } from "./network.ts";
import type { Scene } from "./scene.ts";
import { updateChecks } from "./updates.ts";
import { usersChecks } from "./users.ts";

/** Worse than this and somebody loosened the unit. */
const EXPOSURE_MAX = 2.5;

export type HostScene = Scene<Container>;
export type Check = CheckOf<Container, Memory>;

/** What later checks compare with. */
export interface Memory {
  inventory: string[];
  agentId: string;
  pid: string;
}

export const checks: readonly Check[] = [
  ...libraryChecks,
  {
    name: "one line installs it: enrolled, running, connected",
    async run(scene, memory) {
      const token = await scene.joinToken();
      const { code, output } = await scene.install(`--token ${token} --name host-1 --label role=web`);
      assert.equal(code, 0, output);
      await isUp(scene, "1.0.0");
      const [agent] = await scene.connected();
      assert.deepEqual([agent?.name, agent?.labels], ["host-1", { role: "web" }]);
      memory.agentId = agent?.id ?? "";
      memory.pid = await scene.unit("MainPID");
      assert.equal(await scene.unit("UnitFileState"), "enabled");
      const journal = await scene.machine.read("journalctl --no-pager; cat /var/lib/farhand/identity.json");
      assert.ok(!journal.includes(token), "the token stays nowhere");
      return undefined;
    },
  },
  {
    name: "files belong to whom they should",
    async run({ machine }) {
      const paths =
        "/etc/farhand /var/lib/farhand /var/lib/farhand/identity.json /opt/farhand/1.0.0/farhand-agent /etc/systemd/system/farhand-agent.service";
      assert.deepEqual((await machine.read(`stat -c '%U:%G %a' ${paths}`)).split("\n"), [
        "root:farhand 750",
        "farhand:farhand 700",
        "farhand:farhand 600",
        "root:root 755",
        "root:root 644",
      ]);
      assert.match(await machine.read("getent passwd farhand"), /:\/var\/lib\/farhand:\/usr\/sbin\/nologin$/);
      return undefined;
    },
  },
  {
    name: "the unit is verified and confined",
    async run({ machine }) {
      assert.equal(await machine.read("systemd-analyze verify farhand-agent.service"), "");
      const report = await machine.read("systemd-analyze security --no-pager farhand-agent.service");
      const score = Number(/exposure level .*: ([\d.]+)/.exec(report)?.[1]);
      assert.ok(score <= EXPOSURE_MAX, `exposure is ${score}`);
      return `exposure ${score}`;
    },
  },
  {
    name: "a job runs as the right user, and may not do what the unit forbids",
    async run(scene) {
      const { state, output } = await scene.run(
        [
          "id -un; id -Gn",
          "grep -E '^(NoNewPrivs|CapBnd)' /proc/self/status | tr -d '\\t'",
          "touch /etc/farhand/x /usr/x /etc/x 2>/dev/null && echo wrote",
          "ls /home /root 2>/dev/null | grep -q . && echo looked",
          "sudo -n true 2>/dev/null && echo root",
          "touch /var/lib/farhand/mine && rm /var/lib/farhand/mine && echo own",
        ].join("\n"),
      );
      assert.equal(state, "succeeded");
      assert.deepEqual(output.split("\n"), [
        ...["farhand", "farhand", "CapBnd:0000000000000000", "NoNewPrivs:1", "own"],
      ]);
      return undefined;
    },
  },
  {
    name: "a cancel leaves nobody in its control group",
    async run(scene) {
      const script =
        "grep -o 'farhand-step-.*' /proc/self/cgroup; setsid sleep 98761 & trap '' TERM; sleep 98762 & echo begun; wait";
      const execution = await scene.tenant.run(`# Test\n\n\`\`\`sh {name=step}\n${script}\n\`\`\`\n`);
      await execution.printed("step", "begun");
      assert.equal((await scene.processes()).filter((line) => line.includes("sleep 9876")).length, 2);
      await scene.tenant.api.raw("POST", `/api/v1/executions/${execution.id}/cancel`);
      assert.equal((await execution.finished()).state, "canceled");
      const [group = ""] = execution.stdout("step").split("\n");
      assert.match(group, /^farhand-step-/);
      await until("its processes and its control group to be gone", async () => {
        const isAlive = (await scene.processes()).some((line) => line.includes("sleep 9876"));
        return !isAlive && (await scene.machine.sh(`find /sys/fs/cgroup -name ${group} | grep .`)).code === 1;
      });
      assert.equal((await scene.machine.sh("pgrep -f '[s]leep 9876'")).code, 1);
      return undefined;
    },
  },
  {
    name: "at rest it takes less than 60 MB",
    async run(scene) {
      let megabytes = Number.POSITIVE_INFINITY;
      await until("the agent to be small", async () => {
        const status = await scene.machine.read(`cat /proc/${await scene.unit("MainPID")}/status`);
        megabytes = (Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024) / 1e6;
        return megabytes < 60;
      });
      return `${megabytes.toFixed(1)} MB`;
    },
  },
  {
    name: "run again it changes nothing",
    async run(scene, memory) {
      const { code, output } = await scene.install();
      assert.equal(code, 0, output);
      assert.equal(await scene.unit("MainPID"), memory.pid);
      return undefined;
    },
  },
  {
    name: "the agent is killed, and back",
    async run(scene, memory) {
      await scene.machine.read(`kill -9 ${memory.pid}`);
      await until("another process", async () => !["0", memory.pid].includes(await scene.unit("MainPID")));
      await isUp(scene, "1.0.0", memory.agentId);
      assert.equal((await scene.run("echo hi")).output, "hi");
      return undefined;
    },
  },
  {
    name: "an agent that stands still is restarted by the watchdog",
    async run(scene, memory) {
      const dropIn = "/run/systemd/system/farhand-agent.service.d/watchdog.conf";
      await scene.machine.read(
        `mkdir -p $(dirname ${dropIn}); printf '[Service]\\nWatchdogSec=6\\n' >${dropIn}; systemctl daemon-reload; systemctl restart farhand-agent`,
      );
      await isUp(scene, "1.0.0", memory.agentId);
      await wait(8_000);
      const pid = await scene.unit("MainPID");
      assert.equal(await scene.unit("NRestarts"), "0", "it is left alone while it goes on");
      await scene.machine.read(`kill -STOP ${pid}`);
      await until("another process", async () => !["0", pid].includes(await scene.unit("MainPID")));
      await scene.machine.read(`rm ${dropIn}; systemctl daemon-reload; systemctl restart farhand-agent`);
      await isUp(scene, "1.0.0", memory.agentId);
      return undefined;
    },
  },
  {
    name: "a control plane that is deployed anew restarts nothing",
    async run(scene, memory) {
      const pid = await scene.unit("MainPID");
      const execution = await scene.tenant.run(
        "# Test\n\n```sh {name=step}\necho begun; sleep 4; echo done\n```\n",
      );
      await execution.printed("step", "begun");
      await scene.plane.reload();
      assert.equal((await execution.finished()).state, "succeeded");
      assert.equal(await scene.unit("MainPID"), pid);
      await isUp(scene, "1.0.0", memory.agentId);
      return undefined;
    },
  },
  {
    name: "the host is rebooted, and the agent is back",
    async run(scene, memory) {
      const booted = await scene.machine.read("systemctl show --property=UserspaceTimestampMonotonic");
      await scene.machine.powerOff();
      await scene.machine.boot();
      assert.notEqual(
        await scene.machine.read("systemctl show --property=UserspaceTimestampMonotonic"),
        booted,
      );
      await isUp(scene, "1.0.0", memory.agentId);
      assert.equal((await scene.run("echo hi")).output, "hi");
      return undefined;
    },
  },
  {
    name: "upgraded, it is who it was",
    async run(scene, memory) {
      await scene.smallRelease("1.1.0");
      const { code, output } = await scene.install();
      assert.equal(code, 0, output);
      await isUp(scene, "1.1.0", memory.agentId);
      return undefined;
    },
  },
  {
    name: "a file that was changed on its way is refused",
    async run(scene, memory) {
      await scene.smallRelease("1.2.0");
      const name = "farhand-agent-1.2.0-linux-x64.tar.gz";
      await scene.tamper("1.2.0", name, (bytes) => Buffer.concat([bytes, Buffer.from([0])]));
      refused(await scene.install(), "is not what was released");
      await isUp(scene, "1.1.0", memory.agentId);
      return undefined;
    },
  },
  {
    name: "a release with a wrong signature is refused, by the control plane and by the installer",
    async run(scene, memory) {
      await scene.smallRelease("1.2.1");
      const script = await scene.script();
      await scene.tamper("1.2.1", "release.json.sig", (bytes) => bytes.fill(0, 10, 20));
      assert.notEqual((await scene.machine.sh(`curl -fsS ${scene.plane.url}/install.sh`)).code, 0);
      refused(await scene.machine.sh("sh -s", script), "is not signed by the release key");
      refused(
        await scene.machine.sh(
          `mkdir -p /tmp/no; ln -sf /bin/false /tmp/no/openssl; PATH=/tmp/no:$PATH sh -s`,
          script,
        ),
        "is not signed by the release key",
      );
      await isUp(scene, "1.1.0", memory.agentId);
      return undefined;
    },
  },
  {
    name: "an older release is refused",
    async run(scene, memory) {
      await scene.offer("1.0.0");
      refused(await scene.install(), "1.0.0 is older");
      await isUp(scene, "1.1.0", memory.agentId);
      return undefined;
    },
  },
  {
    name: "a release that does not come up is rolled back",
    async run(scene, memory) {
      await scene.smallRelease(
        "1.3.0",
        `#!/bin/sh\n[ "$1" != --version ] || { echo 1.3.0; exit 0; }\nexit 1\n`,
      );
      refused(await scene.install(), "did not come up: 1.1.0 runs again");
      await isUp(scene, "1.1.0", memory.agentId);
      assert.equal((await scene.run("echo hi")).output, "hi");
      return undefined;
    },
  },
  {
    name: "with the profile for sudo, a job may use it",
    async run(scene, memory) {
      await scene.offer("1.1.0");
      const rule = "/etc/sudoers.d/farhand";
      await scene.machine.read(`echo 'farhand ALL=(root) NOPASSWD: /usr/bin/id' >${rule}`);
      const { code, output } = await scene.install("--sudo");
      assert.equal(code, 0, output);
      await isUp(scene, "1.1.0", memory.agentId);
      assert.equal((await scene.run("id -un; sudo -n id -un")).output, "farhand\nroot");
      await scene.machine.read(`rm ${rule}`);
      return undefined;
    },
  },
  ...updateChecks,
  ...usersChecks("1.4.0"),
  {
    name: "uninstalled by the copy on the host, nothing is left behind",
    async run(scene, memory) {
      await scene.machine.read("sh /opt/farhand/current/install.sh --uninstall --purge");
      await isBare(scene, memory);
      return undefined;
    },
  },
  {
    name: "a release that was carried there installs without the internet, with the profile for users at once",
    async run(scene, memory) {
      const name = "farhand-agent-1.0.0-linux-x64";
      await scene.machine.putFile("root/release.tar.gz", `${scene.releases}/1.0.0/${name}.tar.gz`);
      const token = await scene.joinToken();
      await scene.machine.read(
        `cd /root && tar -xzf release.tar.gz && FARHAND_JOIN_TOKEN=${token} sh ${name}/install.sh --users --url ${scene.plane.url}`,
      );
      await isUp(scene, "1.0.0");
      assert.equal(await scene.machine.read("find /var/lib/farhand ! -user root"), "");
      assert.equal((await scene.run("id -un")).output, "farhand");
      await scene.machine.read(
        `cd /root && sh ${name}/install.sh --uninstall --purge && rm -r ${name} release.tar.gz`,
      );
      await isBare(scene, memory);
      return undefined;
    },
  },
  {
    name: "with a Node of the host's own, the script is installed instead",
    async run(scene, memory) {
      await scene.offer("1.0.0");
      refused(await scene.install("--node --token none"), "there is none");
      await scene.machine.putFile("usr/local/bin/node", process.execPath);
      const { code, output } = await scene.install(`--node --token ${await scene.joinToken()}`);
      assert.equal(code, 0, output);
      await isUp(scene, "1.0.0");
      assert.equal((await scene.run("id -un")).output, "farhand");
      await scene.machine.read(`curl -fsSL ${scene.plane.url}/install.sh | sh -s -- --uninstall --purge`);
      await scene.machine.read("rm /usr/local/bin/node");
      await isBare(scene, memory);
      return undefined;
    },
  },
  {
    name: "the Debian package installs, runs, and purges",
    async run(scene, memory) {
      const file = "farhand-agent_1.0.0_amd64.deb";
      await scene.machine.putFile(`root/${file}`, `${scene.releases}/1.0.0/${file}`);
      await scene.machine.read(`dpkg -i /root/${file}`);
      const token = await scene.joinToken();
      await scene.machine.read(
        `cd / && FARHAND_JOIN_TOKEN=${token} runuser -u farhand -- farhand-agent enroll --url ${scene.plane.url} --state /var/lib/farhand && systemctl enable --quiet --now farhand-agent`,
      );
      await isUp(scene, "1.0.0");
      assert.equal((await scene.run("id -un")).output, "farhand");
      refused(await scene.install(), "installed as a Debian package");
      await scene.machine.read(`dpkg --purge farhand-agent; rm /root/${file}`);
      await isBare(scene, memory);
      return undefined;
    },
  },
  ...networkChecks,
  ...imageChecks,
];
