/** The profile in which steps are apart from the agent: they run as other users, and have nothing of its own. */
import assert from "node:assert/strict";
import type { Check, HostScene } from "./checks.ts";
import { isUp, until } from "./looks.ts";

/** Worse than this and the profile allows more than it has to. */
const EXPOSURE_MAX = 3.5;
const STATE = "/var/lib/farhand";
const POLICY = "/etc/farhand/policy.yaml";

/** Begin and end with this version connected, the profile in force at the end, and no account and policy left. */
export function usersChecks(version: string): readonly Check[] {
  return [
    {
      name: "with the profile for users the unit is verified, and opens no more than it has to",
      async run(scene, memory) {
        await scene.machine.read("useradd --system --user-group --no-create-home deploy");
        await scene.machine.read("cd / && printf %s hidden-in-the-store | farhand-agent secrets set probe");
        await scene.offer(version);
        await isInstalled(scene, "--users", version, memory.agentId);
        assert.equal(await scene.machine.read("systemd-analyze verify farhand-agent.service"), "");
        const owners = await scene.machine.read(
          `find ${STATE} ! -user root; stat -c '%U:%G %a' /etc/farhand; ls /etc/systemd/system/farhand-agent.service.d`,
        );
        assert.equal(owners, "root:root 750\n50-users.conf");
        const report = await scene.machine.read("systemd-analyze security --no-pager farhand-agent.service");
        const score = Number(/exposure level .*: ([\d.]+)/.exec(report)?.[1]);
        assert.ok(score <= EXPOSURE_MAX, `exposure is ${score}`);
        return `exposure ${score}`;
      },
    },
    {
      name: "steps run as farhand, as others only when the policy names them, and as root never",
      async run(scene) {
        const privileges =
          "id -un; id -Gn; grep -E '^(NoNewPrivs|CapEff|CapPrm|CapAmb)' /proc/self/status | tr -d '\\t'";
        const bare = ["CapPrm", "CapEff", "CapAmb"].map((name) => `${name}:0000000000000000`);
        const as = (user: string) => [user, user, ...bare, "NoNewPrivs:1"].join("\n");
        assert.equal((await scene.run(privileges)).output, as("farhand"));
        assert.deepEqual(await scene.run("id -un", "deploy"), { state: "failed", output: "" });
        await putPolicy(scene, "users: ['*']");
        assert.equal((await scene.run(privileges, "deploy")).output, as("deploy"));
        assert.deepEqual(await scene.run("id -un", "root"), { state: "failed", output: "" });
        await putPolicy(scene, "users: [deploy]");
        assert.deepEqual(await scene.run("id -un"), { state: "failed", output: "" });
        assert.equal((await scene.run("id -un", "deploy")).output, "deploy");
        return undefined;
      },
    },
    {
      name: "a step can neither read what is the agent's, nor write anywhere, nor end it",
      async run(scene) {
        const pid = await scene.unit("MainPID");
        const tries = [
          `cat ${STATE}/identity.json ${STATE}/sealing.json ${STATE}/secrets/probe ${STATE}/secrets/.key`,
          `ls ${STATE} ${STATE}/secrets /etc/farhand /home /root`,
          `cat /proc/${pid}/environ /proc/${pid}/mem`,
          `for file in ${STATE}/x ${STATE}/executions/x /etc/farhand/x /etc/x /usr/x; do touch $file && echo $file; done`,
          "for group in $(find /sys/fs/cgroup -path '*/farhand-agent.service/*' -name cgroup.procs); do echo $$ >$group && echo $group; done",
          `kill -9 ${pid} && echo killed`,
          ...["/run/systemd/notify", "/run/farhand/notify/socket"].map(
            (socket) => `NOTIFY_SOCKET=${socket} systemd-notify WATCHDOG=trigger && echo notified`,
          ),
          "sudo -n true && echo sudo",
          "touch mine && ls",
        ];
        await putPolicy(scene, "users: [farhand, deploy]");
        for (const user of ["farhand", "deploy"]) {
          const result = await scene.run(tries.map((line) => `{ ${line}; } 2>/dev/null`).join("\n"), user);
          assert.deepEqual(result, { state: "succeeded", output: "mine" }, user);
        }
        assert.equal(await scene.unit("MainPID"), pid);
        return undefined;
      },
    },
    {
      name: "a cancel ends all of a step of another user, and its folder goes whatever is in it",
      async run(scene) {
        const script = [
          "mkdir -m 1777 sticky; touch sticky/file; mkdir -m 0 closed",
          "setsid env -i sh -c 'sleep 98761 >/dev/null 2>&1 & exec sleep 98762 >/dev/null 2>&1' &",
          "trap '' TERM; echo begun; wait; sleep 98763",
        ].join("\n");
        const execution = await scene.tenant.run(
          `# Test\n\n\`\`\`sh {name=step user=deploy}\n${script}\n\`\`\`\n`,
        );
        await execution.printed("step", "begun");
        await until("its processes", async () => (await sleepers(scene)) >= 2);
        await scene.tenant.api.raw("POST", `/api/v1/executions/${execution.id}/cancel`);
        assert.equal((await execution.finished()).state, "canceled");
        await until("its processes to be gone", async () => (await sleepers(scene)) === 0);
        await until(
          "its folder to be gone",
          async () => (await scene.machine.read(`ls -A ${STATE}/executions`)) === "",
        );
        return undefined;
      },
    },
    {
      name: "back to the strict unit, and again to the profile, it is who it was",
      async run(scene, memory) {
        await scene.machine.read(`rm ${POLICY}`);
        await isInstalled(scene, "--strict", version, memory.agentId);
        const owners = `find ${STATE} ! -user farhand; stat -c '%U:%G' /etc/farhand; ls /etc/systemd/system/farhand-agent.service.d`;
        assert.equal(await scene.machine.read(owners), "root:farhand");
        assert.equal((await scene.run("id -un")).output, "farhand");
        await isInstalled(scene, "--users", version, memory.agentId);
        const pid = await scene.unit("MainPID");
        await isInstalled(scene, "", version, memory.agentId);
        assert.equal(await scene.unit("MainPID"), pid, "run again it changes nothing");
        assert.equal(await scene.machine.read(`find ${STATE} ! -user root`), "");
        assert.match((await scene.run("id -un")).output, /^farhand$/);
        await scene.machine.read("userdel deploy; cd / && farhand-agent secrets remove probe");
        return undefined;
      },
    },
  ];
}

async function isInstalled(
  scene: HostScene,
  options: string,
  version: string,
  agentId: string,
): Promise<void> {
  const { code, output } = await scene.install(options);
  assert.equal(code, 0, output);
  await isUp(scene, version, agentId);
}

/** Puts it in force for the steps that come. */
async function putPolicy({ machine }: HostScene, text: string): Promise<void> {
  const digest = await machine.read(`echo "${text}" >${POLICY} && sha256sum <${POLICY} | cut -d ' ' -f 1`);
  await machine.read("systemctl reload farhand-agent");
  await until("the policy to be in force", async () =>
    (await machine.read("journalctl --no-pager -u farhand-agent")).includes(digest),
  );
}

async function sleepers(scene: HostScene): Promise<number> {
  const { output } = await scene.machine.sh("pgrep -c '^sleep$' -u deploy");
  return Number(output);
}
