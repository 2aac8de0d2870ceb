/** What the agent asks of the kernel, and what it makes of the answers, on a host whose cgroups (v2) have controllers. */
import assert from "node:assert/strict";
import type { Check } from "../install/check.ts";
import { isUp } from "../install/looks.ts";
import type { Scene } from "../install/scene.ts";
import { legacyChecks } from "./legacy.ts";
import { alive, began, canceled, HIDDEN, limited, MIB, memoryHog, noGroups, stepOf } from "./steps.ts";
import type { VirtualMachine } from "./virtualMachine.ts";

const OVER_MEMORY = "the kernel killed it: over 128MiB of memory, which is what this host allows a step";
const OUT_OF_MEMORY =
  "the kernel killed it: there was no memory left for it on this host, or for the agent and its steps together";

export const checks: readonly Check<VirtualMachine, undefined>[] = [
  {
    name: "the service is delegated memory, pids and cpu, and the agent is in its leaf",
    async run(scene) {
      const token = await scene.joinToken();
      const { code, output } = await scene.install(`--token ${token} --name host-1`);
      assert.equal(code, 0, output);
      await limited(scene, "{memory: 128MiB, processes: 40, cpu: 1}");
      await divides(scene);
      return scene.machine.read("uname -r");
    },
  },
  {
    name: "a step finds its limits in its cgroup, where the agent's own user wrote them",
    async run(scene) {
      const files = "memory.max memory.swap.max memory.oom.group pids.max cpu.max";
      const { output } = await stepOf(
        scene,
        `cd /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); for file in ${files}; do cat $file 2>/dev/null || echo none; done`,
      );
      // Without CONFIG_SWAP accounting there is nothing to be set.
      assert.match(output, new RegExp(`^${128 * MIB}\n(0|none)\n1\n40\n100000 100000$`));
      return undefined;
    },
  },
  {
    name: "a step over its memory is killed by the kernel, and nothing else is hurt",
    async run(scene) {
      const before = await factsOf(scene);
      const neighbour = await began(
        scene,
        "echo begun; while [ ! -e go ]; do sleep 0.2; done; echo survived",
      );
      const { finished } = await stepOf(scene, `echo begun; ${memoryHog(400)}; echo lived on`);
      assert.equal(finished.state, "failed");
      assert.deepEqual(finished.outcome, {
        type: "stopped",
        reason: "over_limit",
        confirmed: true,
        detail: OVER_MEMORY,
      });
      const peak = finished.usage?.peakMemoryBytes ?? 0;
      assert.ok(peak > 120 * MIB && peak <= 128 * MIB, `the peak is ${peak}`);
      assert.equal(finished.usage?.estimated, undefined);
      await scene.machine.read(
        "for folder in /var/lib/farhand/executions/*/work; do touch $folder/go || true; done",
      );
      assert.equal((await neighbour.finished()).state, "succeeded");
      assert.match(neighbour.stdout("step"), /survived/);
      assert.deepEqual(await factsOf(scene), before);
      await noGroups(scene);
      return `peak ${Math.round(peak / MIB)} MiB`;
    },
  },
  {
    name: "a step whose memory is files that it writes is not killed",
    async run(scene) {
      const { finished } = await stepOf(
        scene,
        "dd if=/dev/zero of=big bs=1M count=300 2>/dev/null; rm big; echo done",
      );
      assert.equal(finished.state, "succeeded", JSON.stringify(finished));
      return `peak ${Math.round((finished.usage?.peakMemoryBytes ?? 0) / MIB)} MiB`;
    },
  },
  {
    name: "a bomb of processes is held at its limit and ended with all that it threw",
    async run(scene) {
      const before = await factsOf(scene);
      const thrown = HIDDEN('trap "" TERM INT HUP; sleep 98761 & wait; sleep 98761');
      const bomb = `i=0; while [ $i -lt 300 ]; do ${thrown}; i=$((i + 1)); done`;
      // The shell that throws may end at the first refusal, before the agent looks.
      const inOneGo = "for each in $(seq 60); do sleep 98761 >/dev/null 2>&1 & done";
      for (const script of [`${bomb}; sleep 98761`, inOneGo]) {
        const { finished } = await stepOf(scene, script);
        assert.deepEqual(finished.outcome, {
          type: "stopped",
          reason: "over_limit",
          confirmed: true,
          detail:
            "the agent killed it: it wanted more than 40 processes at once, which is what this host allows a step",
        });
        assert.equal(await alive(scene), "");
      }
      assert.deepEqual(await factsOf(scene), before);
      await noGroups(scene);
      return undefined;
    },
  },
  {
    name: "a cancel ends a tree that hides, and leaves no cgroup",
    async run(scene) {
      const hidden = HIDDEN('trap "" TERM INT HUP; while :; do sleep 98761; done');
      await canceled(
        scene,
        `${hidden}; ${hidden}; trap "" TERM INT; echo begun; sleep 98761 & wait; sleep 98761`,
        4,
      );
      return undefined;
    },
  },
  {
    name: "a cancel ends a tree that stands still",
    async run(scene) {
      const still = HIDDEN('trap "" TERM INT; sleep 98761 & sleep 1; kill -STOP $! $$');
      await canceled(scene, `${still}; echo begun; sleep 98761 & sleep 1; kill -STOP $! $$`, 3);
      return undefined;
    },
  },
  {
    name: "the time of processors is counted by the kernel, and held",
    async run(scene) {
      const burn = "i=0; while [ $i -lt 60000 ]; do i=$((i + 1)); done";
      const { finished } = await stepOf(
        scene,
        `(${burn}) & (${burn}) & wait; cat /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/cpu.stat`,
      );
      const { userMs = 0, systemMs = 0, peakMemoryBytes = 0 } = finished.usage ?? {};
      const tookMs = finished.durationMs ?? 0;
      assert.equal(finished.usage?.estimated, undefined);
      assert.ok(userMs + systemMs > 100, `${userMs} + ${systemMs} ms`);
      assert.ok(
        userMs + systemMs < tookMs * 1.2,
        `${userMs} + ${systemMs} ms of one processor in ${tookMs} ms`,
      );
      assert.ok(peakMemoryBytes > MIB / 4 && peakMemoryBytes < 30 * MIB, `the peak is ${peakMemoryBytes}`);
      return `${userMs} + ${systemMs} ms in ${Math.round(tookMs)} ms, peak ${(peakMemoryBytes / MIB).toFixed(1)} MiB`;
    },
  },
  {
    name: "the agent is killed in the middle of a step: it comes back to its leaf, and limits hold",
    async run(scene) {
      const { pid } = await factsOf(scene);
      const execution = await began(scene, `${HIDDEN('trap "" TERM; sleep 98761')}; echo begun; sleep 98761`);
      await scene.machine.read(`kill -9 ${pid}`);
      assert.match((await execution.event("step.finished")).state, /unknown|failed/);
      await isUp(scene, "1.0.0");
      await divides(scene);
      assert.equal(await alive(scene), "");
      await isKilledForMemory(scene, 400, OVER_MEMORY);
      return undefined;
    },
  },
  {
    name: "a daemon that was meant to stay is moved to the agent, and does not keep it from starting again",
    async run(scene) {
      await stepOf(scene, "setsid sleep 98762 </dev/null >/dev/null 2>&1 &");
      await noGroups(scene);
      assert.match(
        await scene.machine.read("cat /proc/$(pgrep -f '[s]leep 98762')/cgroup"),
        /farhand-agent.service\/agent$/,
      );
      await scene.machine.read("systemctl restart farhand-agent");
      await isUp(scene, "1.0.0");
      await divides(scene);
      return undefined;
    },
  },
  {
    name: "where the service itself runs out of memory, a step is killed for it, whole, and says so",
    async run(scene) {
      for (const limits of ["{processes: 40}", "{memory: 1GiB}"]) {
        await limited(scene, limits);
        await squeezed(scene, 400);
        const before = await factsOf(scene);
        await isKilledForMemory(scene, 600, OUT_OF_MEMORY);
        assert.deepEqual(await factsOf(scene), before);
      }
      return undefined;
    },
  },
  {
    name: "steps that are each smaller than the agent are killed before it",
    async run(scene) {
      const before = await factsOf(scene);
      const resident = await scene.machine.read(`awk '/^VmRSS/ { print $2 }' /proc/${before.pid}/status`);
      const agentMebibytes = Math.round(Number(resident) / 1024);
      await squeezed(scene, agentMebibytes * 3);
      // Holds it until nobody reads it any more.
      const each = agentMebibytes - 20;
      const held = `head -c ${each}M /dev/zero | tail -c ${each}M | sleep 20`;
      const ends = await Promise.all(Array.from({ length: 4 }, () => stepOf(scene, held)));
      assert.deepEqual(await factsOf(scene), before);
      const killed = ends.filter(({ finished: { outcome } }) => outcome?.type === "stopped");
      assert.ok(killed.length > 0, "none was killed");
      await squeezed(scene, undefined);
      return `${killed.length} of 4 with ${each} MiB each, beside an agent with ${agentMebibytes}`;
    },
  },
  ...legacyChecks,
];

/** The agent has a leaf of its own, and the steps' groups have what they need. */
async function divides(scene: Scene): Promise<void> {
  const group = `/sys/fs/cgroup${await scene.unit("ControlGroup")}`;
  const pid = await scene.unit("MainPID");
  assert.match(
    await scene.machine.read(`cat /proc/${pid}/cgroup`),
    /^0::\/system\.slice\/farhand-agent\.service\/agent$/,
  );
  assert.equal(await scene.machine.read(`cat ${group}/cgroup.procs`), "");
  const shared = (await scene.machine.read(`cat ${group}/cgroup.subtree_control`)).split(" ");
  for (const name of ["memory", "pids", "cpu"])
    assert.ok(shared.includes(name), `${name} is not in ${shared}`);
}

/** What must stay the same around a step that goes wrong. */
async function factsOf(
  scene: Scene,
): Promise<{ pid: string; restarts: string; state: string; failed: string }> {
  return {
    pid: await scene.unit("MainPID"),
    restarts: await scene.unit("NRestarts"),
    state: await scene.unit("ActiveState"),
    failed: await scene.machine.read("systemctl list-units --failed --no-legend --no-pager"),
  };
}

async function isKilledForMemory(scene: Scene, mebibytes: number, detail: string): Promise<void> {
  const { finished } = await stepOf(scene, `${memoryHog(mebibytes)}; echo lived on`);
  assert.deepEqual(finished.outcome, { type: "stopped", reason: "over_limit", confirmed: true, detail });
}

/** Leaves the service so much memory; undefined for what its unit says. */
async function squeezed(scene: Scene, mebibytes: number | undefined): Promise<void> {
  const limits =
    mebibytes === undefined ? "MemoryHigh=60% MemoryMax=80%" : `MemoryHigh=infinity MemoryMax=${mebibytes}M`;
  await scene.machine.read(`systemctl set-property --runtime farhand-agent ${limits}`);
}
