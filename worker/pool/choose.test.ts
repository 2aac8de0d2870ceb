import { describe, expect, it } from "vitest";
import { assign, type Candidate, chooseAgent } from "./choose.ts";

function agent(agentId: string, more: Partial<Candidate> = {}): Candidate {
  return { agentId, labels: {}, slots: 2, busy: 0, draining: false, avoidUntil: 0, ...more };
}

describe("choosing an agent", () => {
  it("prefers the one with the larger share of free slots", () => {
    expect(chooseAgent([agent("a", { busy: 1 }), agent("b")], { labels: {} }, 0)).toEqual({ agentId: "b" });
    expect(
      chooseAgent([agent("small", { slots: 1 }), agent("big", { slots: 8, busy: 2 })], { labels: {} }, 0),
    ).toEqual({
      agentId: "big",
    });
  });

  it("takes only agents that have every label", () => {
    const agents = [
      agent("a", { labels: { role: "web" } }),
      agent("b", { labels: { role: "web", zone: "eu" } }),
    ];
    expect(chooseAgent(agents, { labels: { role: "web", zone: "eu" } }, 0)).toEqual({ agentId: "b" });
    expect(chooseAgent(agents, { labels: { constructor: "x" } }, 0)).toEqual({ none: "no_agent_matches" });
  });

  it("takes only the one agent that will do, whatever its labels are now", () => {
    const agents = [agent("a"), agent("b", { labels: { moved: "yes" } })];
    expect(chooseAgent(agents, { labels: { role: "web" }, wantedAgentId: "b" }, 0)).toEqual({ agentId: "b" });
    const gone = { labels: {}, wantedAgentId: "c" };
    expect(chooseAgent(agents, gone, 0)).toEqual({ none: "no_agent_connected" });
  });

  it("has those that declined lately come after all others, who was passed over longest ago first", () => {
    const declined = (agentId: string, seconds: number) =>
      agent(agentId, { avoidUntil: now - seconds * 1_000 });
    const now = 3_600_000;
    const agents = [
      declined("new", 1),
      agent("busy", { busy: 1 }),
      declined("old", 120),
      declined("mid", 60),
    ];
    const order = [];
    while (agents.length > 0) {
      const choice = chooseAgent(agents, { labels: {} }, now);
      if (!("agentId" in choice)) break;
      order.push(choice.agentId);
      agents.splice(
        agents.findIndex(({ agentId }) => agentId === choice.agentId),
        1,
      );
    }
    expect(order).toEqual(["busy", "old", "mid", "new"]);
    const longAgo = [agent("busy", { busy: 1 }), declined("idle", 600)];
    expect(chooseAgent(longAgo, { labels: {} }, now)).toEqual({ agentId: "idle" });
  });

  it.each([
    [[], "no_agent_connected"],
    [[agent("a", { busy: 2 })], "all_busy"],
    [[agent("a", { draining: true }), agent("b", { draining: true })], "agents_drain"],
    [[agent("a", { draining: true }), agent("b", { busy: 2 })], "all_busy"],
    [[agent("a", { avoidUntil: 10 })], "agents_decline"],
    [[agent("a", { avoidUntil: 10 }), agent("b", { busy: 2 })], "agents_decline"],
    [[agent("a", { avoidUntil: 10, busy: 2 })], "all_busy"],
  ])("says why there is none", (agents, none) => {
    expect(chooseAgent(agents, { labels: {} }, 5)).toEqual({ none });
  });

  it("says that those drain which have the labels, and of the one that will do too", () => {
    const agents = [agent("db", { labels: { role: "db" }, draining: true }), agent("web")];
    const none = "agents_drain";
    expect(chooseAgent(agents, { labels: { role: "db" } }, 0)).toEqual({ none });
    expect(chooseAgent(agents, { labels: {}, wantedAgentId: "db" }, 0)).toEqual({ none });
  });
});

it("a queue is served in order, as far as the free slots of those that fit go", () => {
  const agents = [agent("web", { labels: { role: "web" }, slots: 2, busy: 1 }), agent("db", { slots: 2 })];
  const queue: { id: number; labels: Record<string, string> }[] = [
    { id: 1, labels: { role: "web" } },
    { id: 2, labels: { role: "web" } },
    { id: 3, labels: {} },
    { id: 4, labels: {} },
    { id: 5, labels: {} },
  ];
  const grants = assign(queue, agents, 0).map(({ row, agentId }) => [row.id, agentId]);
  expect(grants).toEqual([
    [1, "web"],
    [3, "db"],
    [4, "db"],
  ]);
  expect(agents.map(({ busy }) => busy)).toEqual([1, 0]);
});
