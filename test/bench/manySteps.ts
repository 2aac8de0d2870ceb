import { settle } from "./arena.ts";
import type { Measurement } from "./measurement.ts";
import { residentMemory, watchMemory } from "./processes.ts";
import { alone } from "./results.ts";

/** Items and commands for each: with the loop itself as many steps as an execution may have. */
const ITEMS = 999;
const COMMANDS = 5;
/** What a loud command prints. All of them together: 50 MB. */
const OUTPUT_BYTES = 10_000;

/** An execution of as many steps as there may be, on a real agent: what the steps cost, and what their output does. */
export const manySteps: Measurement = {
  title: "one execution of 5,000 steps, a foreach over 999 items",
  rounds: 2,
  budgetMs: 120_000,
  async run({ farhand, workerdPid, agent }, rounds) {
    const silent = await farhand.write(runbook("true"));
    const loud = await farhand.write(runbook(`head -c ${OUTPUT_BYTES} /dev/zero | tr '\\\\0' x`));
    const samples = { rate: [], silent: [], loud: [], agent: [] } as Record<
      "rate" | "silent" | "loud" | "agent",
      number[]
    >;
    for (const _ of rounds) {
      for (const name of ["silent", "loud"] as const) {
        const before = { workerd: residentMemory(workerdPid), agent: residentMemory(agent.pid) };
        const memory = watchMemory({ workerd: workerdPid, agent: agent.pid });
        const { endMs } = await farhand.run(name === "silent" ? silent : loud);
        const peak = memory();
        samples[name].push(peak.workerd - before.workerd);
        samples.agent.push(peak.agent - before.agent);
        if (name === "silent") samples.rate.push((ITEMS * COMMANDS) / (endMs / 1e3));
        await settle();
      }
    }
    return {
      rows: [
        alone("5,000 steps on an agent", "per s", samples.rate),
        alone("5,000 steps without output, workerd grows by", "MB", samples.silent),
        alone("5,000 steps that print 50 MB, workerd grows by", "MB", samples.loud),
        alone("5,000 steps, the agent grows by", "MB", samples.agent),
      ],
    };
  },
};

function runbook(script: string): string {
  const commands = Array.from(
    { length: COMMANDS },
    (_, index) => `  - { kind: command, name: "step-${index}", interpreter: sh, script: "${script}" }`,
  );
  const items = Array.from({ length: ITEMS }, (_, index) => index).join(",");
  return [
    "---",
    "title: Bench",
    "parameters:",
    `  - { name: items, type: string, default: "${items}" }`,
    "---",
    "",
    "```farhand",
    "kind: foreach",
    "name: rounds",
    'items: params.items.split(",")',
    "blocks:",
    ...commands,
    "```",
    "",
  ].join("\n");
}
