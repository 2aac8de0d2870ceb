import { executionSchema } from "#protocol/api/executions.ts";
import { Problem } from "../../scripts/lib/problem.ts";
import { oneCommand, settle } from "./arena.ts";
import type { Measurement } from "./measurement.ts";
import { residentMemory, watchMemory } from "./processes.ts";
import { alone } from "./results.ts";

const EXECUTIONS = 10;
/** As much as a step may keep. */
const BYTES = 1024 * 1024 * 1024;
const PATIENCE_MS = 300_000;

/** 10 GiB through one agent, each GiB kept by an execution of its own; all of it lies on the disk meanwhile. */
export const flatMemory: Measurement = {
  title: "10 GiB of output through one agent",
  rounds: EXECUTIONS,
  budgetMs: Number.POSITIVE_INFINITY,
  onlyWhenNamed: true,
  async run({ farhand, client, agent, workerdPid }, rounds) {
    const script = `yes "$(printf %099d 7)" | head -c ${BYTES}`;
    const runbookId = await farhand.write(oneCommand("sh", script, "output=1GiB"));
    const before = { agent: residentMemory(agent.pid), workerd: residentMemory(workerdPid) };
    const samples = { agent: [], workerd: [], rate: [] } as Record<"agent" | "workerd" | "rate", number[]>;
    for (const _ of rounds) {
      const memory = watchMemory({ agent: agent.pid, workerd: workerdPid });
      const began = performance.now();
      const id = await farhand.trigger(runbookId);
      await farhand.untilAllAre("succeeded", [id], PATIENCE_MS);
      samples.rate.push(BYTES / 1e6 / ((performance.now() - began) / 1e3));
      const peak = memory();
      const { steps } = await client.call(executionSchema, "GET", `/executions/${id}`);
      if (steps[0]?.output.bytes !== BYTES) throw new Problem(`${id} kept ${steps[0]?.output.bytes} bytes.`);
      samples.agent.push(peak.agent - before.agent);
      samples.workerd.push(peak.workerd - before.workerd);
      await settle();
    }
    return {
      rows: [
        alone("10 GiB, the agent grows by", "MB", samples.agent, { atMost: 32 }),
        alone("10 GiB, the agent grows from the first to the last GiB by", "MB", [
          (samples.agent.at(-1) ?? 0) - (samples.agent[0] ?? 0),
        ]),
        alone("10 GiB, workerd grows by", "MB", samples.workerd),
        alone("10 GiB, stored", "MB/s", samples.rate),
      ],
    };
  },
};
