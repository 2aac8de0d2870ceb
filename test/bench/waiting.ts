import { setTimeout as wait } from "node:timers/promises";
import { settle } from "./arena.ts";
import type { Measurement } from "./measurement.ts";
import { openSockets, processorTime, residentMemory } from "./processes.ts";
import { alone } from "./results.ts";

const EXECUTIONS = 100;
const LOOK_MS = 3_000;
const RUNBOOK = `# Bench

\`\`\`sh {name=before}
echo hello
\`\`\`

\`\`\`farhand
kind: timer
name: nap
duration: 1h
\`\`\`

\`\`\`sh {name=after}
echo hello
\`\`\`
`;

/** Executions that have run a step and now wait for an hour: what waiting costs, beside nothing that waits. */
export const waiting: Measurement = {
  title: "executions that wait",
  rounds: 3,
  budgetMs: 60_000,
  async run({ farhand, workerdPid, agent }, rounds) {
    const runbookId = await farhand.write(RUNBOOK);
    const samples = { sockets: [], memory: [], busy: [] } as Record<"sockets" | "memory" | "busy", number[]>;
    for (const _ of rounds) {
      const before = { ...(await look(workerdPid)), sockets: openSockets(agent.pid) };
      const ids: string[] = [];
      for (let count = 0; count < EXECUTIONS; count++) ids.push(await farhand.trigger(runbookId));
      await farhand.untilAllAre("waiting", ids);
      await settle();
      const after = await look(workerdPid);
      samples.sockets.push(openSockets(agent.pid) - before.sockets);
      samples.memory.push((after.memory - before.memory) / EXECUTIONS);
      samples.busy.push(after.busy - before.busy);
      await farhand.cancelAll(ids);
    }
    return {
      rows: [
        alone(`${EXECUTIONS} executions that wait, sockets of the agent`, "sockets", samples.sockets, {
          atMost: 0,
        }),
        alone("an execution that waits, workerd grows by", "MB", samples.memory),
        alone(`${EXECUTIONS} executions that wait, workerd busier by`, "%", samples.busy),
      ],
    };
  },
};

async function look(pid: number): Promise<{ memory: number; busy: number }> {
  const began = { at: performance.now(), ms: processorTime(pid) };
  await wait(LOOK_MS);
  const busy = ((processorTime(pid) - began.ms) / (performance.now() - began.at)) * 100;
  return { memory: residentMemory(pid), busy };
}
