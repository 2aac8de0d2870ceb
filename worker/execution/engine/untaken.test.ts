import { describe, expect, it } from "vitest";
import { QUEUE_WAIT_DEFAULT_MS } from "#protocol/limits.ts";
import type { QueueReason } from "#protocol/states.ts";
import { command, Run } from "./testRun.ts";

const inLab = () => new Run([command("a", { target: { pool: "lab" } })], { pools: { lab: "pool_2" } });

function endOf(run: Run): string | undefined {
  run.at(1_000 + QUEUE_WAIT_DEFAULT_MS);
  return run.step("a").detail;
}

describe("when the wait for an agent is over the step says the reason that stood last", () => {
  it.each<[QueueReason, string | undefined, string]>([
    ["no_agent_connected", undefined, 'no agent was found in time: none is connected in the pool "lab"'],
    [
      "no_agent_matches",
      "role=db is on no connected agent",
      "no agent was found in time: role=db is on no connected agent",
    ],
    ["agents_drain", "vm is draining", "no agent was found in time: vm is draining"],
    [
      "all_busy",
      undefined,
      'no agent became free in time: all slots of the agents in the pool "lab" that could take it were busy',
    ],
    ["agents_decline", "vm: no room", "no agent was found in time: vm: no room"],
    ["pool_full", undefined, 'no place became free in time: the pool "lab" did as much at once as it may'],
  ])("%s", (reason, detail, words) => {
    const run = inLab();
    run.input({ type: "lease.queued", fence: 1, ahead: 0, reason, detail });
    expect(endOf(run)).toBe(words);
  });

  it("beside who declined before", () => {
    const run = inLab().granted();
    run.input({ type: "lease.failed", fence: 1, reason: "no room", retry: true });
    run.input({ type: "lease.queued", fence: 2, ahead: 0, reason: "agents_drain", detail: "vm is draining" });
    expect(endOf(run)).toBe(
      "no agent was found in time: vm is draining; 1 agent did not take it (1: no room)",
    );
  });

  it("and names the one agent that it has to run on", () => {
    const run = new Run([command("first"), { kind: "timer", id: "t", durationMs: 120_000 }, command("a")]);
    run.granted().started("first").exited("first");
    run.at(121_000);
    run.input({ type: "lease.queued", fence: 2, ahead: 0, reason: "no_agent_connected" });
    run.at(121_000 + QUEUE_WAIT_DEFAULT_MS);
    expect(run.step("a").detail).toBe(
      "no agent was found in time: it is for agent-1 alone, which is not connected",
    );
  });

  it("also where that is one of many that the step is spread over", () => {
    const run = new Run([command("a", { target: { mode: "all" } })]);
    run.input({ type: "targets.resolved", step: "a", agents: [{ agentId: "agt_7", agentName: "web-7" }] });
    run.input({ type: "lease.queued", fence: 1, ahead: 0, reason: "no_agent_connected" });
    run.at(1_000 + QUEUE_WAIT_DEFAULT_MS);
    expect(run.step("a~0").detail).toContain("it is for web-7 alone");
  });
});
