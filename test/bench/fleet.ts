import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { executionSchema, type Step } from "#protocol/api/executions.ts";
import { poolSchema } from "#protocol/api/pools.ts";
import type { Client } from "../../scripts/lib/client.ts";
import { Problem } from "../../scripts/lib/problem.ts";
import { Fleet } from "../harness/fleet.ts";
import { inParallel } from "../harness/inParallel.ts";
import { settle } from "./arena.ts";
import type { Farhand } from "./farhand.ts";
import type { Measurement } from "./measurement.ts";
import { childNamed, residentMemory } from "./processes.ts";
import { alone } from "./results.ts";
import { startSite } from "./site.ts";

const AGENTS = 1_000;
const PER_PROCESS = 250;
/** So many of them run one step together. */
const TARGETS = 200;
const CLAIMS = 30;
/** After which workerd has come to rest. */
const REST_MS = 5_000;
const RETRY_MS = 50;

const FRONT = "---\ntitle: Bench\ntarget: { pool: fleet }\n---\n\n";
const CLAIM = `${FRONT}\`\`\`sh\necho hello\n\`\`\`\n`;
const FAN_OUT = `${FRONT}\`\`\`farhand
kind: command
name: work
interpreter: sh
target: { pool: fleet, mode: all, labels: { fan: "yes" } }
env: { NAME: { expr: agent.name } }
script: for i in 1 2 3 4 5 6 7 8 9; do echo "$NAME $i"; done
\`\`\`
`;

/** A thousand real agents in one pool: connecting, working, and coming back when workerd was killed. */
export const fleet: Measurement = {
  title: "1,000 agents in one pool",
  rounds: 1,
  budgetMs: 0,
  async run({ folder, shutdown }, rounds) {
    const samples: Record<string, number[]> = {};
    const note = (name: string, ...values: number[]) => {
      samples[name] = [...(samples[name] ?? []), ...values];
    };
    for (const round of rounds) {
      const place = join(folder, `fleet-${round}`);
      const { plane, farhand, client } = await startSite({ folder: place, shutdown });
      const pool = await client.call(poolSchema, "POST", "/pools", { body: { name: "fleet" } });
      const labels = (index: number): Record<string, string> => (index < TARGETS ? { fan: "yes" } : {});
      const options = { count: AGENTS, perProcess: PER_PROCESS, folder: join(place, "agents"), labels };
      const agents = await Fleet.open(client, pool.id, options);
      shutdown.add(() => agents.kill());

      const workerd = childNamed(plane.pid, "workerd");
      const before = residentMemory(workerd);
      const began = performance.now();
      await agents.connect();
      note("connect", performance.now() - began);
      await wait(REST_MS);
      note("memory", ((residentMemory(workerd) - before) / AGENTS) * 1_000);

      const claim = await farhand.write(CLAIM);
      for (let n = 0; n < CLAIMS; n++) {
        note("claim", (await farhand.run(claim)).firstOutputMs);
        await settle();
      }
      const fanOut = await farhand.write(FAN_OUT);
      const { endMs, executionId } = await farhand.run(fanOut);
      note("fan-out", endMs);
      await requireOutputs(client, executionId);

      const killedAt = Date.now();
      process.kill(workerd, "SIGKILL");
      let isBack = false;
      const claiming = claimUntil(farhand, claim, () => isBack);
      const back = await agents.reconnectedSince(killedAt);
      isBack = true;
      note("reconnect", ...back.map(({ at }) => at - killedAt));
      note("claim meanwhile", ...(await claiming));
      await agents.kill();
      await plane.stop();
    }
    const of = (name: string): number[] => samples[name] ?? [];
    const times = of("reconnect").toSorted((a, b) => a - b);
    const at = (share: number) => [times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0];
    return {
      rows: [
        alone("1,000 agents dial at once, all connected after", "ms", of("connect")),
        alone("1,000 agents, workerd takes for each", "kB", of("memory")),
        alone("first output, 1,000 agents to choose from", "ms", of("claim")),
        alone("a step on 200 of them, to its end", "ms", of("fan-out")),
        alone("workerd killed, the first agent is back after", "ms", at(0)),
        alone("workerd killed, half of the agents", "ms", at(0.5)),
        alone("workerd killed, 95 of 100", "ms", at(0.95)),
        alone("workerd killed, all agents", "ms", at(1), { atMost: 60_000 }),
        alone("first output while they come back", "ms", of("claim meanwhile")),
      ],
    };
  },
};

/** Runs one execution after the other, the first as soon as it is accepted, for as long as agents are coming back. */
async function claimUntil(farhand: Farhand, runbookId: string, isOver: () => boolean): Promise<number[]> {
  const samples: number[] = [];
  while (samples.length === 0 || !isOver()) {
    try {
      samples.push((await farhand.run(runbookId)).firstOutputMs);
    } catch {
      // Nobody is there to ask yet.
      await wait(RETRY_MS);
    }
  }
  return samples;
}

/** @throws Problem unless each target has exactly what it printed as the output of its step */
async function requireOutputs(client: Client, executionId: string): Promise<void> {
  const { steps } = await client.call(executionSchema, "GET", `/executions/${executionId}`);
  const targets = steps.filter(({ id }) => id.startsWith("work~"));
  if (targets.length !== TARGETS) throw new Problem(`${executionId} ran on ${targets.length} agents.`);
  await inParallel(8, targets, async ({ id, agentName }: Step) => {
    const answer = await client.raw("GET", `/api/v1/executions/${executionId}/steps/${id}/output`);
    const expected = Array.from({ length: 9 }, (_, n) => `${agentName} ${n + 1}\n`).join("");
    if ((await answer.text()) !== expected)
      throw new Problem(`${agentName} has another output than its own.`);
  });
}
