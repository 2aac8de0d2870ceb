/** Waiting for what nothing tells. */
import { setTimeout as wait } from "node:timers/promises";
import type { Machine } from "./machine.ts";
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
