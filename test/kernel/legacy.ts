/** The same host, started with cgroups as older systems have them: what the agent can do without. */
import assert from "node:assert/strict";
import type { Check } from "../install/check.ts";
import { isUp } from "../install/looks.ts";
import type { Scene } from "../install/scene.ts";
import { canceled, HIDDEN, limited, stepOf } from "./steps.ts";
import type { VirtualMachine } from "./virtualMachine.ts";

export const legacyChecks: readonly Check<VirtualMachine, undefined>[] = [
  {
    name: "with its controllers on v1, v2 holds a step together, and looking holds limits",
    async run(scene) {
      await rebooted(scene, "systemd.unified_cgroup_hierarchy=0");
      assert.match((await stepOf(scene, "cat /proc/self/cgroup")).output, /^0::.*\/farhand-step-/m);
      await limitsAreLooked(scene);
      await canceled(
        scene,
        `${HIDDEN('trap "" TERM INT HUP; while :; do sleep 98761; done')}; echo begun; sleep 98761`,
        3,
      );
      return undefined;
    },
  },
  {
    name: "on v1 alone, processes are found by looking, and looking holds limits",
    async run(scene) {
      const noUnified = "systemd.legacy_systemd_cgroup_controller=1";
      await rebooted(scene, `systemd.unified_cgroup_hierarchy=0 ${noUnified}`);
      const { output } = await stepOf(scene, "cat /proc/self/cgroup");
      assert.doesNotMatch(output, /^0::|farhand-step/m);
      await limitsAreLooked(scene);
      // One that can be told from a stranger: its parent lives long enough to be seen.
      await canceled(scene, `setsid sh -c 'trap "" TERM INT; sleep 98761' & echo begun; sleep 98761`, 3);
      return undefined;
    },
  },
];

async function rebooted(scene: Scene<VirtualMachine>, kernelArguments: string): Promise<void> {
  scene.machine.kernelArguments = kernelArguments;
  await scene.machine.powerOff();
  await scene.machine.boot();
  await isUp(scene, "1.0.0");
  await limited(scene, "{memory: 128MiB, processes: 40}");
}

async function limitsAreLooked(scene: Scene): Promise<void> {
  // Slowly: it has to be seen before it is over.
  const slowly = "for part in $(seq 40); do head -c 10M /dev/zero; sleep 0.1; done | tail";
  const memory = await stepOf(scene, `${slowly} >/dev/null; echo lived on`);
  assert.deepEqual(memory.finished.outcome, {
    type: "stopped",
    reason: "over_limit",
    confirmed: true,
    detail: "the agent killed it: over 128MiB of memory, which is what this host allows a step",
  });
  const processes = await stepOf(scene, "for each in $(seq 60); do sleep 98761 & done; wait");
  assert.equal(processes.finished.outcome?.type, "stopped");
  assert.match(processes.finished.detail ?? "", /more than 40 processes/);
}
