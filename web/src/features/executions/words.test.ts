import { describe, expect, it } from "vitest";
import type { QueuePlace, Step } from "#protocol/api/executions.ts";
import type { AttemptOutcome } from "#protocol/data.ts";
import type { StepState } from "#protocol/states.ts";
import { queueWords, stepWords, usageWords } from "./words.ts";

function step(state: StepState, outcome?: AttemptOutcome, detail?: string): Step {
  const output = { bytes: 0, lines: 0, cutBytes: 0 };
  return {
    id: "s",
    kind: "command",
    title: "s",
    state,
    attempt: 1,
    output,
    outcome,
    detail,
    durationMs: 65_000,
  };
}

describe("how a step ended", () => {
  it.each<[Step, string]>([
    [step("failed", { type: "exited", exitCode: 3 }), "Exit code 3"],
    [step("failed", { type: "signaled", signal: "SIGKILL" }), "Killed by SIGKILL"],
    [step("failed", { type: "refused", code: "spool_full", detail: "d" }), "The agent refused to run it"],
    [
      step("timed_out", { type: "stopped", reason: "timed_out", confirmed: true }),
      "Out of time after 1m 05s",
    ],
    [step("canceled", { type: "stopped", reason: "canceled", confirmed: true }), "Canceled"],
    [
      step("failed", { type: "stopped", reason: "disconnected", confirmed: true }),
      "Stopped because the connection was lost",
    ],
    [
      step("failed", { type: "stopped", reason: "agent_stopped", confirmed: true }),
      "Stopped because its agent was shut down",
    ],
    [
      step("failed", { type: "stopped", reason: "over_limit", confirmed: true, detail: "over 1 GiB" }),
      "Stopped because it took too much",
    ],
    [step("unknown"), "Nobody knows how this step ended"],
    [step("canceled"), "Canceled"],
  ])("%#", (given, title) => {
    expect(stepWords(given)?.title).toBe(title);
  });

  it("says which output is lacking, not that the exit code was 0", () => {
    const detail = 'it did not hand on "status"';
    const words = stepWords(step("failed", { type: "exited", exitCode: 0 }, detail));
    expect(words).toMatchObject({ title: "Failed", detail: 'It did not hand on "status".' });
    const answered = { type: "answered", status: 200, expected: true } as const;
    expect(stepWords(step("failed", answered, detail))?.detail).toBe('It did not hand on "status".');
    const missing = { type: "answered", status: 404, expected: false } as const;
    expect(stepWords(step("failed", missing, "status 404"))?.detail).toBeUndefined();
  });

  it("leaves the name of a file with which a detail begins as it is", () => {
    const refused = (detail: string) =>
      stepWords(step("failed", { type: "refused", code: "policy", detail }));
    expect(refused("policy.yaml:5 users: no")?.detail).toBe("policy.yaml:5 users: no.");
    expect(refused("this host has no such secret")?.detail).toBe("This host has no such secret.");
  });

  it("[CX2] says plainly that a cancel is not confirmed", () => {
    const words = stepWords(step("canceled", { type: "stopped", reason: "canceled", confirmed: false }));
    expect(words).toMatchObject({ tone: "odd", title: "Canceled, not confirmed" });
  });

  it("[ST2] says that an unknown step was not run again", () => {
    const words = stepWords(step("unknown", undefined, "the agent was restarted"));
    expect(words?.detail).toMatch(/^The agent was restarted\. .* not run a second time\.$/);
  });

  it("has nothing to add to a success", () => {
    expect(stepWords(step("succeeded", { type: "exited", exitCode: 0 }))).toBeUndefined();
  });
});

describe("the queue", () => {
  const words = (queue: Partial<QueuePlace>, title?: string) =>
    queueWords({ ahead: 0, reason: "all_busy", poolName: "lab", ...queue }, "default", title);

  it("names the pool that is waited for, and what to do", () => {
    expect(words({ reason: "no_agent_connected" }, "work")).toEqual({
      tone: "warn",
      title: "No agent in pool “lab” is connected",
      detail: "“work” starts as soon as one is.",
      toAgents: true,
    });
    const own = words({ reason: "no_agent_connected", poolName: undefined });
    expect([own.title, own.detail]).toEqual([
      "No agent in pool “default” is connected",
      "It starts as soon as one is.",
    ]);
  });

  it("says when only one agent will do, of whatever others are connected", () => {
    const detail = "it is for web-7 alone, which is not connected";
    expect(words({ reason: "no_agent_connected", detail }, "work")).toMatchObject({
      title: "The only agent that will do is not connected",
      detail: "It is for web-7 alone, which is not connected. “work” starts as soon as that one is.",
    });
  });

  it("says of agents that drain that they do, and speaks of no labels", () => {
    expect(words({ reason: "agents_drain", detail: "vm is draining" }, "work")).toMatchObject({
      title: "Every agent in pool “lab” that could take it is draining",
      detail: "vm is draining. “work” starts as soon as one takes work again.",
      toAgents: true,
    });
  });

  it("says which labels are missing", () => {
    const detail = "role=db is on no connected agent; connected: web-1 (role=web)";
    expect(words({ reason: "no_agent_matches", detail })).toMatchObject({
      title: "No connected agent in pool “lab” has the labels that are asked for",
      detail: `${detail}. It starts as soon as one with them is connected.`,
    });
  });

  it("sends people to the agents when these take nothing", () => {
    const detail = "web-1: too little room on the agent's disk to keep output";
    expect(words({ reason: "agents_decline", detail }).detail).toBe(
      "web-1: too little room on the agent's disk to keep output. It is offered again within minutes.",
    );
    expect(words({ reason: "agents_decline" })).toMatchObject({
      title: "Whichever agent in pool “lab” is free declines",
      toAgents: true,
    });
  });

  it("says which place it is", () => {
    expect(words({ ahead: 2 }).title).toBe("3rd in the queue");
    expect(words({})).toMatchObject({
      title: "Next in the queue",
      detail: "All agents in pool “lab” that could take it are busy.",
    });
  });
});

it("says in one line what a step took of its host, and what of it is an estimate", () => {
  const peakMemoryBytes = 84 * 1024 * 1024;
  expect(usageWords({ userMs: 1_000, systemMs: 250 })).toBe("1.2s CPU");
  expect(usageWords({ userMs: 1_000, systemMs: 250, peakMemoryBytes })).toBe("1.2s CPU, 84 MiB memory");
  expect(usageWords({ userMs: 0, systemMs: 60, peakMemoryBytes, estimated: ["memory"] })).toBe(
    "0.0s CPU, about 84 MiB memory",
  );
});

it("says which limit a step was over", () => {
  const outcome = {
    type: "stopped",
    reason: "over_limit",
    confirmed: true,
    detail: "over 1 GiB of memory",
  } as const;
  expect(stepWords(step("failed", outcome))?.detail).toBe(
    "Over 1 GiB of memory. All of its processes are gone.",
  );
});
