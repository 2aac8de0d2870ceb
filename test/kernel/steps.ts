/** Steps on the host under test. */

import assert from "node:assert/strict";
import type { FollowedExecution } from "../harness/execution.ts";
import { until } from "../install/looks.ts";
import type { Scene } from "../install/scene.ts";

export const MIB = 1024 * 1024;

/** A processor that is emulated takes its time. */
const PATIENCE_MS = 120_000;

/** What of a step's shell keeps so much in memory: `tail` waits for a line that never ends. */
export const memoryHog = (mebibytes: number) => `head -c ${mebibytes}M /dev/zero | tail >/dev/null`;

/** Starts a script as the step `step`. */
async function start(scene: Scene, script: string): Promise<FollowedExecution> {
  const execution = await scene.tenant.run(`# Test\n\n\`\`\`sh {name=step}\n${script}\n\`\`\`\n`);
  execution.patienceMs = PATIENCE_MS;
  return execution;
}

/** Starts a script; resolves when it has printed `begun`. */
export async function began(scene: Scene, script: string): Promise<FollowedExecution> {
  const execution = await start(scene, script);
  await execution.printed("step", "begun");
  return execution;
}

/** Runs a script to its end. */
export async function stepOf(scene: Scene, script: string) {
  const execution = await start(scene, script);
  const finished = await execution.event("step.finished");
  return { finished, output: execution.stdout("step").trimEnd() };
}

/** Has the agent read a policy with these limits. */
export async function limited(scene: Scene, limits: string): Promise<void> {
  const count = async () =>
    Number(await scene.machine.read("journalctl -u farhand-agent --no-pager | grep -c 'policy' || true"));
  const before = await count();
  await scene.machine.read(
    `echo 'limits: ${limits}' >/etc/farhand/policy.yaml && systemctl reload farhand-agent`,
  );
  await until("the policy to be read", async () => (await count()) > before);
}

/** The groups of steps, without those where a shell waits to become one: it alone has no arguments. */
async function groupsOfSteps(scene: Scene): Promise<string[]> {
  const text = await scene.machine.read(
    `find /sys/fs/cgroup -type d -name 'farhand-step-*' | while read group; do
       for pid in $(cat $group/cgroup.procs); do tr '\\0' ' ' </proc/$pid/cmdline; echo; done | grep -qx '/bin/sh ' || echo $group
     done`,
  );
  return text.split("\n").filter(Boolean);
}

/** Each of these forks twice, leaves its session, clears its environment and has none of our pipes. */
export const HIDDEN = (script: string) =>
  `(env -i PATH=/usr/bin setsid sh -c '${script}' </dev/null >/dev/null 2>&1 &)`;

/** What lives on of the steps' processes. */
export async function alive(scene: Scene): Promise<string> {
  return (await scene.machine.sh("pgrep -af '[s]leep 98761'")).output;
}

/** Groups of steps that are over go; those with a shell that waits stay. */
export async function noGroups(scene: Scene): Promise<void> {
  await until("the groups of steps to be gone", async () => (await groupsOfSteps(scene)).length === 0);
}

/** Cancels a script that prints `begun` and comes to so many processes with `sleep 98761`. */
export async function canceled(scene: Scene, script: string, count: number): Promise<void> {
  const execution = await began(scene, script);
  const counted = async () => (await alive(scene)).split("\n").length;
  await until(`${count} processes`, async () => (await counted()) >= count);
  await scene.tenant.api.raw("POST", `/api/v1/executions/${execution.id}/cancel`);
  const { outcome } = await execution.event("step.finished");
  assert.deepEqual(outcome, { type: "stopped", reason: "canceled", confirmed: true });
  assert.equal(await alive(scene), "");
  await noGroups(scene);
}
