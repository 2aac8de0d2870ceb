/** The demo's agent: enrolled when it has to be, running, and connected. */
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type AgentProcess, enrollAgent, runAgent } from "./agentProcess.ts";
import type { ControlPlane } from "./controlPlane.ts";
import { connectedAgent, type Demo, joinToken, revokeAgents } from "./demo.ts";
import { Problem } from "./problem.ts";
import type { Shutdown } from "./shutdown.ts";

const AGENT_NAME = "demo-agent";
const CONNECT_MS = 30_000;

/** @throws Problem with the agent's last words when it does not come up */
export async function startLocalAgent(
  plane: ControlPlane,
  demo: Demo,
  dataDir: string,
  shutdown: Shutdown,
): Promise<AgentProcess> {
  const settings = { stateDir: join(dataDir, "agent"), logFile: join(dataDir, "logs", "agent.log") };
  if (demo.record.agentUrl !== plane.url) {
    await revokeAgents(demo, AGENT_NAME);
    const token = await joinToken(demo);
    await enrollAgent({ ...settings, url: plane.url, token, name: AGENT_NAME });
    await demo.save({ agentUrl: plane.url });
  }
  shutdown.throwIfAsked();
  const agent = runAgent(settings);
  shutdown.add(() => agent.stop());
  plane.guard(agent.pid);
  await untilConnected(demo, agent, shutdown);
  return agent;
}

async function untilConnected(demo: Demo, agent: AgentProcess, shutdown: Shutdown): Promise<void> {
  const deadline = performance.now() + CONNECT_MS;
  while (!(await connectedAgent(demo))) {
    shutdown.throwIfAsked();
    const gone = await Promise.race([agent.ended.then(() => true), wait(50, false)]);
    if (gone) throw new Problem(`The agent did not start:\n${agent.lastWords()}`);
    if (performance.now() > deadline) throw new Problem(`The agent did not connect:\n${agent.lastWords()}`);
  }
}
