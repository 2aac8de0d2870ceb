/** The agent is killed at every point of its work that matters, and at random: nothing runs twice, nothing is made up. */
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Step } from "#protocol/api/executions.ts";
import type { TestAgent } from "../harness/agent.ts";
import { ALIVE, DEATH_POINTS, type DeathPoint, dyingAt } from "../harness/deathPoint.ts";
import type { FollowedExecution } from "../harness/execution.ts";
import { LONG, LONG_TIMEOUT_MS, SEEDS } from "../harness/long.ts";
import type { Oracle } from "../harness/oracle.ts";
import { untilGone } from "../harness/processes.ts";
import { repeatedFence } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";
import { Random, randomFor } from "../simulation/random.ts";

const world = worldForFile();

const ATTEMPTS_MAX = 3;

interface Part {
  name: string;
  repeatable: boolean;
  lines: number;
}

/** What one attempt prints. */
function printed({ name, lines }: Part, attempt: number): string {
  return Array.from({ length: lines }, (_, line) => `${name} ${attempt} ${line + 1}\n`).join("");
}

/** A runbook of three steps; each notes its start, prints so many lines in two halves, and may fail without harm. */
function procedure(parts: readonly Part[], oracle: Oracle): string {
  const fences = parts.map(({ name, repeatable, lines }) => {
    const count = (from: number, to: number) =>
      `for n in $(seq ${from} ${to}); do echo "${name} $FARHAND_ATTEMPT $n"; done`;
    const half = lines >> 1;
    const script = [oracle.line, count(1, half), "sleep 0.05", count(half + 1, lines)].join("\n");
    if (repeatable) return repeatedFence(name, ATTEMPTS_MAX, { "on-failure": "continue", script });
    return `\`\`\`bash {name=${name} on-failure=continue}\n${script}\n\`\`\``;
  });
  return `# Test\n\n${fences.join("\n\n")}\n`;
}

function drawParts(random: Random): Part[] {
  return ["one", "two", "three"].map((name) => ({
    name,
    repeatable: random.chance(0.3),
    lines: 2 + random.int(400),
  }));
}

/** What has to be true however often the agent died. */
async function expectHonest(
  execution: FollowedExecution,
  parts: readonly Part[],
  oracle: Oracle,
): Promise<readonly Step[]> {
  const { steps } = await execution.read();
  for (const part of parts) {
    const step = steps.find(({ id }) => id === part.name);
    const runs = oracle.runs(part.name);
    const attempts = runs.map(({ attempt }) => attempt);
    // No attempt twice, and a second one only of what may be repeated.
    expect(new Set(attempts).size).toBe(attempts.length);
    expect(runs.length).toBeLessThanOrEqual(part.repeatable ? ATTEMPTS_MAX : 1);
    const whole = printed(part, step?.attempt ?? 1);
    const stored = await execution.stored(part.name);
    if (step?.state === "succeeded") {
      expect(attempts).toContain(step.attempt);
      expect(stored).toBe(whole);
    } else expect(whole.startsWith(stored)).toBe(true);
  }
  await untilGone(oracle.runs().map(({ pid }) => pid));
  return steps;
}

/** What the step that was under way when the agent died has come to: whether it ran, and its state when it may run once. */
function expectedOf({ when, what }: DeathPoint): { runs: number; state: Step["state"] } {
  if (what === "lease" || (what === "started" && when === "before")) return { runs: 1, state: "succeeded" };
  if (what === "started") return { runs: 0, state: "unknown" };
  if (what === "recorded" || (what === "finished" && when === "after"))
    return { runs: 1, state: "succeeded" };
  return { runs: 1, state: "unknown" };
}

const faultOf = ({ when, what }: DeathPoint): string => {
  if (what === "started" && when !== "before") return "[fault 2]";
  return what === "recorded" || (what === "finished" && when === "after") ? "[fault 3]" : "[fault 1]";
};

const WORDS: Record<DeathPoint["when"], (what: string) => string> = {
  before: (what) => `before ${what} is written`,
  torn: (what) => `with half of ${what} written`,
  after: (what) => `after ${what} is written`,
  synced: (what) => `once ${what} is synced, before the spawn`,
};
const NAMED = DEATH_POINTS.map(
  (point) => [faultOf(point), WORDS[point.when](`"${point.what}"`), point] as const,
);

describe.concurrent("the agent is killed", () => {
  test.each(NAMED)(
    "[G1] [G4] %s %s: what ran is known or called unknown, and nothing runs twice",
    async (_fault, name, point) => {
      const tenant = await world().signUp();
      let agent: TestAgent | undefined;
      for (const seed of SEEDS) {
        const random = randomFor(seed, name);
        const parts = drawParts(random);
        const nth = point.what === "lease" ? 1 : 1 + random.int(parts.length);
        const env = dyingAt(point, nth);
        await agent?.stop();
        if (agent) await agent.run(env);
        else agent = await world().startAgent(tenant, { env });
        const oracle = world().oracle();
        const execution = await tenant.run(procedure(parts, oracle));
        await agent.died();
        await agent.run(ALIVE);
        await execution.finished();
        const steps = await expectHonest(execution, parts, oracle);
        const struck = parts[nth - 1];
        // How many chunks a step's output makes is up to the machine, and so is which step the nth is of.
        if (struck?.repeatable || point.what === "chunk") continue;
        const state = steps.find(({ id }) => id === struck?.name)?.state;
        const runs = oracle.runs(struck?.name).length;
        expect({ seed, state, runs }).toEqual({ seed, ...expectedOf(point) });
      }
    },
    LONG ? LONG_TIMEOUT_MS : 60_000,
  );

  test(
    "[G1] [G4] [fault 1] again and again, at random",
    async () => {
      const tenant = await world().signUp();
      const agent = await world().startAgent(tenant);
      for (const seed of SEEDS) {
        const random = new Random(seed);
        const parts = drawParts(random);
        const oracle = world().oracle();
        const execution = await tenant.run(procedure(parts, oracle));
        await execution.event("lease.granted");
        for (let kill = 0; kill < 3; kill++) {
          await wait(random.int(300));
          await agent.kill();
          await agent.run();
        }
        await execution.finished();
        await expectHonest(execution, parts, oracle);
      }
    },
    LONG ? LONG_TIMEOUT_MS : 60_000,
  );
});
