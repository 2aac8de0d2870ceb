/** What several checks look at, and wait for where nothing tells. */
import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import type { HostScene, Memory } from "./checks.ts";
import type { Machine, Result } from "./machine.ts";
import type { Scene } from "./scene.ts";

const PATIENCE_MS = 90_000;

/** The unit is active and says so, and the control plane sees this version of this agent. */
export async function isUp(scene: Scene<Machine>, version: string, agentId?: string): Promise<void> {
  await until(`version ${version} to be connected`, async () => {
    const status = `${await scene.unit("ActiveState")} ${await scene.unit("StatusText")}`;
    const fits = (await scene.connected()).filter(
      (agent) => agent.presence?.agentVersion === version && (agentId ?? agent.id) === agent.id,
    );
    return status === "active connected" && fits.length === 1;
  });
}

/** Nothing tells us, so this looks. @throws when it does not come */
export async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await wait(200);
  }
}

/** It ended with 1 and said this. */
export function refused({ code, output }: Result, words: string): void {
  assert.equal(code, 1, output);
  assert.ok(output.includes(words), output);
}

/** The machine is what it was before anything was installed on it. */
export async function isBare({ machine }: HostScene, { inventory }: Memory): Promise<void> {
  assert.deepEqual(difference(inventory, await machine.inventory()), { left: [], gone: [] });
}

export function difference(before: readonly string[], now: readonly string[]) {
  const [was, is] = [new Set(before), new Set(now)];
  return { left: now.filter((line) => !was.has(line)), gone: before.filter((line) => !is.has(line)) };
}
