/** A control plane with one agent, in a folder of its own, for measuring. */
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { SCOPES } from "#protocol/actor.ts";
import { apiKeyCreatedSchema } from "#protocol/api/keys.ts";
import { type AgentProcess, enrollAgent, runAgent } from "../../scripts/lib/agentProcess.ts";
import type { Client } from "../../scripts/lib/client.ts";
import { type ControlPlane, startControlPlane } from "../../scripts/lib/controlPlane.ts";
import { connectedAgent, joinToken, openDemo } from "../../scripts/lib/demo.ts";
import { Problem } from "../../scripts/lib/problem.ts";
import type { Shutdown } from "../../scripts/lib/shutdown.ts";
import { probeEnvironment } from "./eventLoop.ts";
import { Farhand } from "./farhand.ts";
import { childNamed } from "./processes.ts";

/** More than any measurement has in flight, so that nothing waits for a slot. */
const SLOTS = 32;
const CONNECT_MS = 30_000;

export interface Site {
  folder: string;
  plane: ControlPlane;
  workerdPid: number;
  agent: AgentProcess;
  farhand: Farhand;
  /** Acts as the person whose organization it is. */
  client: Client;
}

export interface SiteOptions {
  folder: string;
  /** Another bundle of the worker than the one that is deployed. */
  workerDir?: string;
  /** True when nobody asks the agent about its event loop: it is then what a host would run, without the probe. */
  unprobed?: boolean;
  /** What else is in the agent's environment. */
  agentEnv?: Record<string, string>;
  shutdown: Shutdown;
}

/** Starts everything, and has the shutdown stop it. @throws Problem when it does not come up */
export async function startSite({
  folder,
  workerDir,
  unprobed,
  agentEnv,
  shutdown,
}: SiteOptions): Promise<Site> {
  mkdirSync(folder, { recursive: true });
  const authSecret = randomBytes(32).toString("hex");
  // A bench asks more often in a minute than a caller may.
  const settings = { RATE_LIMIT_PER_MINUTE: "1000000" };
  const plane = await startControlPlane({ dataDir: folder, authSecret, port: 0, settings, workerDir });
  shutdown.add(() => plane.stop());
  const demo = await openDemo(plane.url, folder);
  const created = await demo.client.call(apiKeyCreatedSchema, "POST", "/api-keys", {
    body: { name: "bench", scopes: [...SCOPES] },
  });
  const farhand = new Farhand(demo.client, created.key);
  shutdown.add(async () => farhand.stop());
  const settingsOfAgent = {
    stateDir: join(folder, "agent"),
    logFile: join(folder, "logs", "agent.log"),
    slots: SLOTS,
    env: { ...(unprobed ? {} : probeEnvironment(folder)), ...agentEnv },
  };
  const token = await joinToken(demo);
  await enrollAgent({ ...settingsOfAgent, url: plane.url, token, name: "bench" });
  const agent = runAgent(settingsOfAgent);
  shutdown.add(() => agent.stop());
  const deadline = performance.now() + CONNECT_MS;
  while (!(await connectedAgent(demo))) {
    if (performance.now() > deadline) throw new Problem(`The agent did not connect:\n${agent.lastWords()}`);
    await wait(50);
  }
  const workerdPid = childNamed(plane.pid, "workerd");
  return { folder, plane, workerdPid, agent, farhand, client: demo.client };
}
