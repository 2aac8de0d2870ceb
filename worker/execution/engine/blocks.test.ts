import { describe, expect, it } from "vitest";
import type { ApiBlock, ApprovalBlock, Block, CommandBlock } from "#protocol/blocks/index.ts";
import type { AttemptOutcome } from "#protocol/data.ts";
import { EDGE_TIMEOUT_MS, PERSON_WAIT_DEFAULT_MS } from "#protocol/limits.ts";
import { deadlineOf } from "./deadlines.ts";
import type { Person } from "./inputs.ts";
import { refusalOf } from "./people.ts";
import { ACTOR, command, planOf, Run, takenOver } from "./testRun.ts";

function person(id: string, more: Partial<Person> = {}): Person {
  return { actor: { type: "user", id, name: id }, names: [id, `${id}@example.com`], roles: [], ...more };
}

const approval = (id: string, more: Partial<ApprovalBlock> = {}): ApprovalBlock => ({
  kind: "approval",
  id,
  ...more,
});

function agents(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    agentId: `agt_${index}`,
    agentName: `agent-${index}`,
  }));
}

describe("condition", () => {
  const block = (test: string): Block => ({
    kind: "condition",
    id: "choose",
    if: test,
    then: [command("yes")],
    else: [command("no")],
  });

  it("runs one of its lists and says nothing of the other", () => {
    const run = new Run([block("params.n > 2"), command("after")], { parameters: { n: 3 } }).granted();
    expect(run.states()).toEqual({ choose: "running", after: "pending", yes: "dispatched" });
    run.started("yes").exited("yes");
    expect(run.step("choose").state).toBe("succeeded");
    expect(run.step("after").state).toBe("dispatched");
  });

  it("is done at once when the list is empty", () => {
    const run = new Run([{ ...block("false"), else: undefined } as Block]);
    expect(run.state.end?.state).toBe("succeeded");
  });

  it("looks at what steps before it came to", () => {
    const run = new Run([
      command("probe"),
      block('steps.probe.outputs.role == "primary" && steps.probe.exitCode == 0'),
    ]);
    run.granted().started("probe").exited("probe", 0, undefined, { role: "primary" });
    expect(run.states()).toMatchObject({ yes: "dispatched" });
  });

  it.each(["1 / 0 == 1", "params.nope", "1 + 1"])(
    "fails with words when %s is neither true nor false",
    (text) => {
      const run = new Run([block(text)]);
      expect(run.state.end?.state).toBe("failed");
      expect(run.step("choose").detail).toMatch(/zero|nope|true or false/);
    },
  );
});

describe("declared outputs", () => {
  const outputs = ["version", "status", "id"];
  const lacking = 'it did not hand on "status", "id"';

  it("fail a command that does not hand all of them on", () => {
    const run = new Run([command("probe", { outputs }), command("after")]).granted();
    run.started("probe").exited("probe", 0, undefined, { version: "1" });
    expect(run.step("probe")).toMatchObject({ state: "failed", detail: lacking, values: { version: "1" } });
    expect(run.step("after").state).toBe("skipped");
  });

  it("let it be tried again", () => {
    const run = new Run([command("probe", { outputs, retry: { maxAttempts: 2 } })]).granted();
    run.started("probe").exited("probe", 0, undefined, { version: "1" });
    expect(run.log.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: "attempt.failed", step: "probe", attempt: 1, detail: lacking }),
    );
  });

  it("leave a failure of its own its reason", () => {
    const run = new Run([command("probe", { outputs })]).granted();
    run.started("probe").exited("probe", 3);
    expect(run.step("probe")).toMatchObject({ state: "failed", detail: "exit code 3" });
  });

  it("succeed when they are there, empty ones too", () => {
    const run = new Run([command("probe", { outputs })]).granted();
    run.started("probe").exited("probe", 0, undefined, { version: "", status: "", id: "7" });
    expect(run.step("probe").state).toBe("succeeded");
  });
});

describe("when, range and reuse", () => {
  it("skips what does not hold, is out of range, or has been done before", () => {
    const run = new Run(
      [command("a"), command("b"), command("c", { when: "false" }), command("d"), command("e")],
      { range: { from: "b", to: "d" } },
      { ...takenOver({ reused: { b: { x: "1" } } }), lineage: { executionId: "exe_0", mode: "failed" } },
    );
    expect(run.states()).toEqual({
      a: "skipped",
      b: "succeeded",
      c: "skipped",
      d: "dispatched",
      e: "pending",
    });
    expect(run.step("b")).toMatchObject({ reused: true, values: { x: "1" } });
    run.granted().started("d").exited("d");
    expect(run.step("e").state).toBe("skipped");
    expect(run.state.end?.state).toBe("succeeded");
  });
});

describe("what a retry takes over", () => {
  it("goes through the same items under the same numbers, whatever the list would be now", () => {
    const each: Block = { kind: "foreach", id: "each", items: "[7, 8]", blocks: [command("do")] };
    const run = new Run(
      [each],
      {},
      takenOver({
        reused: { "do~0": { x: "1" } },
        expanded: { each: { type: "items", items: ["a", "b", "c"] } },
      }),
    );
    expect(run.states()).toMatchObject({ each: "running", "do~0": "succeeded", "do~1": "dispatched" });
    expect(run.step("each").over).toEqual({ type: "items", items: ["a", "b", "c"] });
    expect(run.step("do~0")).toMatchObject({ reused: true, values: { x: "1" } });
  });

  it("goes to the same agents without asking which match now", () => {
    const agents = [
      { agentId: "agt_1", agentName: "one" },
      { agentId: "agt_2", agentName: "two" },
    ];
    const run = new Run(
      [command("all", { target: { mode: "all" } })],
      {},
      takenOver({ reused: { "all~0": {} }, expanded: { all: { type: "agents", agents } } }),
    );
    expect(run.states()).toMatchObject({ all: "running", "all~0": "succeeded", "all~1": "dispatched" });
  });

  it("pauses between batches only where something was done", () => {
    const agents = ["1", "2", "3"].map((name) => ({ agentId: `agt_${name}`, agentName: name }));
    const target = { mode: "rolling", batch: 1, pauseMs: 60_000 } as const;
    const run = new Run(
      [command("roll", { target })],
      {},
      takenOver({ reused: { "roll~0": {} }, expanded: { roll: { type: "agents", agents } } }),
    );
    expect(run.states()).toMatchObject({ "roll~0": "succeeded", "roll~1": "dispatched" });
    run.granted().started("roll~1").exited("roll~1");
    expect(run.step("roll").wait?.for).toBe("batch");
  });

  it("is nothing for a block with the name of something that every object has", () => {
    const run = new Run([command("constructor")], {}, takenOver({}));
    expect(run.step("constructor").state).toBe("dispatched");
  });
});

describe("parallel", () => {
  const block: Block = {
    kind: "parallel",
    id: "both",
    branches: [
      [command("a"), command("a2")],
      [command("b"), command("b2")],
    ],
  };

  it("runs its branches side by side on one agent and ends when all have", () => {
    const run = new Run([block]);
    expect(run.states()).toMatchObject({ a: "dispatched", b: "waiting" });
    run.granted();
    expect(run.states()).toMatchObject({ a: "dispatched", b: "dispatched" });
    for (const path of ["a", "b", "a2", "b2"]) run.started(path).exited(path);
    expect(run.state.end?.state).toBe("succeeded");
    expect(run.types().filter((type) => type === "lease.requested")).toHaveLength(1);
  });

  it("lets what runs go to its end when another branch fails, and begins nothing new", () => {
    const run = new Run([block]).granted().started("a").started("b");
    run.exited("a", 1);
    expect(run.states()).toMatchObject({ a: "failed", a2: "skipped", b: "running" });
    run.exited("b");
    expect(run.step("b2").state).toBe("skipped");
    expect(run.state.end).toMatchObject({ state: "failed" });
  });

  it("stops everything in it when its time is up", () => {
    const run = new Run([{ ...block, timeoutMs: 5_000 }]).granted().started("a").started("b");
    run.asked();
    run.at(6_000);
    expect(run.asked()).toEqual(["step.cancel", "step.cancel"]);
    run.finished("a", { type: "stopped", reason: "timed_out", confirmed: true });
    run.finished("b", { type: "stopped", reason: "timed_out", confirmed: true });
    expect(run.step("both").state).toBe("timed_out");
    expect(run.state.end?.state).toBe("timed_out");
  });
});

describe("foreach", () => {
  const block = (more: object = {}): Block => ({
    kind: "foreach",
    id: "each",
    items: "params.hosts.split(',')",
    blocks: [command("one", { env: { HOST: { expr: "item" }, NUMBER: { expr: "index" } } }), command("two")],
    ...more,
  });

  it("goes through its items one after the other, each with its own steps and inputs", () => {
    const run = new Run([block()], { parameters: { hosts: "x,y" } }).granted();
    expect(run.step("one~0").inputs).toEqual({ "env/HOST": "x", "env/NUMBER": "0" });
    for (const path of ["one~0", "two~0"]) run.started(path).exited(path);
    expect(run.step("one~1").inputs).toEqual({ "env/HOST": "y", "env/NUMBER": "1" });
    for (const path of ["one~1", "two~1"]) run.started(path).exited(path);
    expect(run.state.end?.state).toBe("succeeded");
  });

  it("runs as many at once as it may, and brings what it began to an end after a failure", () => {
    const run = new Run([block({ concurrency: 2 })], { parameters: { hosts: "a,b,c" } }).granted();
    run.started("one~0").started("one~1").exited("one~0", 1);
    expect(run.step("two~0").state).toBe("skipped");
    run.exited("one~1");
    run.started("two~1").exited("two~1");
    expect(run.state.steps.get("one~2")).toBeUndefined();
    expect(run.step("each").detail).toContain("1 of 3 failed; 1 were not begun");
  });

  it("tolerates as many failures as it says", () => {
    const run = new Run([block({ maxFailures: 1 })], { parameters: { hosts: "a,b" } }).granted();
    run.started("one~0").exited("one~0", 1);
    run.started("one~1").exited("one~1");
    run.started("two~1").exited("two~1");
    expect(run.state.end?.state).toBe("succeeded");
  });

  it("is done at once with nothing to do, and fails with words over what is no list", () => {
    expect(new Run([block({ items: "[]" })]).state.end?.state).toBe("succeeded");
    const run = new Run([block({ items: "params.n" })], { parameters: { n: 3 } });
    expect(run.step("each").detail).toContain("gives no list");
  });
});

describe("targets", () => {
  const everywhere = (more: Partial<CommandBlock> = {}) =>
    command("check", { target: { labels: { role: "web" }, mode: "all" }, ...more });

  it("runs on each agent that matches, with a step, a lease and a state for each", () => {
    const run = new Run([everywhere()]);
    expect(run.asked()).toEqual(["targets.resolve"]);
    run.input({ type: "targets.resolved", step: "check", agents: agents(3) });
    expect(run.states()).toMatchObject({
      "check~0": "dispatched",
      "check~1": "dispatched",
      "check~2": "dispatched",
    });
    expect([...run.state.leases.values()].map(({ wantedAgentId }) => wantedAgentId)).toEqual([
      "agt_0",
      "agt_1",
      "agt_2",
    ]);
    for (const n of [0, 1, 2])
      run
        .granted(n + 1, `agt_${n}`)
        .started(`check~${n}`)
        .exited(`check~${n}`, n === 1 ? 1 : 0);
    expect(run.step("check")).toMatchObject({ state: "failed", detail: "1 of 3 failed" });
    expect(run.state.end?.state).toBe("failed");
  });

  it("rolls through them in batches with a pause, and stops after too many failures", () => {
    const target = { mode: "rolling", batch: 2, pauseMs: 10_000, maxFailures: 0 } as const;
    const run = new Run([everywhere({ target })]);
    run.input({ type: "targets.resolved", step: "check", agents: agents(5) });
    expect(run.state.steps.get("check~2")).toBeUndefined();
    for (const n of [0, 1])
      run
        .granted(n + 1, `agt_${n}`)
        .started(`check~${n}`)
        .exited(`check~${n}`);
    expect(run.step("check")).toMatchObject({ state: "waiting", wait: { for: "batch", until: 11_000 } });
    run.at(11_000);
    run.granted(3, "agt_2").started("check~2").granted(4, "agt_3").started("check~3");
    run.exited("check~2", 1);
    run.exited("check~3");
    expect(run.state.steps.get("check~4")).toBeUndefined();
    expect(run.step("check").detail).toBe("1 of 5 failed; 1 were not begun");
  });

  it("keeps the steps of one round of a foreach over agents on that agent", () => {
    const run = new Run([
      {
        kind: "foreach",
        id: "hosts",
        target: { mode: "rolling", batch: 1 },
        blocks: [command("drain"), command("restart")],
      },
    ]);
    run.input({ type: "targets.resolved", step: "hosts", agents: agents(2) });
    run.granted(1, "agt_0").started("drain~0").exited("drain~0");
    expect(run.step("restart~0")).toMatchObject({ state: "dispatched", fence: 1 });
    run.started("restart~0").exited("restart~0");
    expect(run.step("drain~1").fence).toBe(2);
    expect(run.state.leases.get(2)?.wantedAgentId).toBe("agt_1");
    expect(run.state.leases.get(1)?.status).toBe("released");
  });

  it("waits for an agent to match, or fails at once, as it says", () => {
    const waits = new Run([everywhere({ target: { mode: "all", waitMs: 60_000 } })]);
    waits.input({ type: "targets.resolved", step: "check", agents: [] });
    expect(waits.step("check").state).toBe("waiting");
    waits.at(61_000);
    expect(waits.state.end?.state).toBe("timed_out");
    const fails = new Run([everywhere({ target: { mode: "all", whenNone: "fail" } })]);
    fails.input({ type: "targets.resolved", step: "check", agents: [] });
    expect(fails.state.end).toMatchObject({
      state: "failed",
      detail: expect.stringContaining("no agent matches"),
    });
  });

  it("asks for any agent again when the first one let the work go before it began", () => {
    const run = new Run([command("a")]).granted(1, "agt_1");
    run.input({ type: "lease.failed", fence: 1, reason: "draining", retry: true });
    expect(run.state.leases.get(2)?.wantedAgentId).toBeUndefined();
  });

  it("gives a step with its own target its own agent, and goes back to the first one after", () => {
    const run = new Run([command("a"), command("db", { target: { labels: { role: "db" } } }), command("b")]);
    run.granted(1, "agt_web").started("a").exited("a");
    expect(run.step("db").fence).toBe(2);
    run.granted(2, "agt_db").started("db").exited("db");
    expect(run.state.leases.get([...run.state.openLeases].at(-1) ?? 0)?.wantedAgentId).toBe("agt_web");
  });

  it.each([
    ["keeps", "agt_web", true],
    ["clears", "agt_db", false],
  ])("%s the folder on the agent of such a step when that is %s", (_, agent, keepFolder) => {
    const run = new Run([command("a"), command("db", { target: { labels: { role: "db" } } }), command("b")]);
    run.granted(1, "agt_web").started("a").exited("a");
    run.granted(2, agent).started("db").exited("db");
    expect(run.effects).toContainEqual(expect.objectContaining({ type: "lease.release", fence: 2 }));
    expect(run.keepsFolder(2)).toBe(keepFolder);
  });
});

describe("waiting for time and people", () => {
  it("waits without an agent, and asks for the same one again", () => {
    const run = new Run([command("a"), { kind: "timer", id: "nap", durationMs: 3_600_000 }, command("b")]);
    run.granted().started("a").exited("a");
    expect(run.state.state).toBe("waiting");
    expect(run.state.openLeases.size).toBe(0);
    expect(run.effects).toContainEqual(expect.objectContaining({ type: "lease.release", fence: 1 }));
    expect(run.keepsFolder(1)).toBe(true);
    run.at(1_000 + 3_600_000);
    expect(run.step("b").state).toBe("dispatched");
    expect(run.state.leases.get(2)?.wantedAgentId).toBe("agt_1");
  });

  it("keeps the agent through a short pause", () => {
    const run = new Run([command("a"), { kind: "timer", id: "nap", durationMs: 5_000 }, command("b")]);
    run.granted().started("a").exited("a");
    expect(run.state.openLeases.size).toBe(1);
    run.at(6_000);
    expect(run.step("b").fence).toBe(1);
  });

  it("waits until a time of day in a zone, through the change to summer time", () => {
    const until = (now: string, text: string, zone: string) => {
      const run = new Run([{ kind: "timer", id: "at", until: text, zone }, command("b")]);
      void run;
      const moved = new Run([command("a"), { kind: "timer", id: "at", until: text, zone }]).granted();
      moved.started("a");
      moved.now = Date.parse(now);
      moved.exited("a");
      const wait = moved.step("at").wait;
      return wait && new Date(wait.until).toISOString();
    };
    expect(until("2026-03-28T12:00:00Z", "09:00", "Europe/Berlin")).toBe("2026-03-29T07:00:00.000Z");
    expect(until("2026-03-28T12:00:00Z", "02:30", "Europe/Berlin")).toMatch(/2026-03-29T0[01]:30/);
    expect(until("2026-10-24T12:00:00Z", "02:30", "Europe/Berlin")).toBe("2026-10-25T00:30:00.000Z");
    expect(until("2026-11-21T12:00:00Z", "11:00", "UTC")).toBe("2026-11-22T11:00:00.000Z");
  });

  it("waits for an acknowledgement with its form and note", () => {
    const run = new Run([
      {
        kind: "instruction",
        id: "check",
        markdown: "Look at the lamp",
        acknowledge: true,
        noteRequired: true,
        form: [{ name: "colour", type: "choice", options: ["red", "green"] }],
      },
      { kind: "condition", id: "c", if: 'steps.check.outputs.colour == "red"', then: [command("fix")] },
    ]);
    const answer = { type: "answer", step: "check", answer: "acknowledge", person: person("bob") } as const;
    expect(refusalOf(run.state, answer)?.detail).toContain("note");
    expect(refusalOf(run.state, { ...answer, note: "seen", values: { colour: "blue" } })?.detail).toContain(
      "one of",
    );
    run.input({ ...answer, note: "seen", values: { colour: "red" } });
    expect(run.states()).toMatchObject({ check: "succeeded", fix: "dispatched" });
    expect(refusalOf(run.state, answer)).toMatchObject({ code: "invalid_state" });
  });

  it("times out when nobody answers", () => {
    const run = new Run([approval("ok")]);
    run.at(1_000 + PERSON_WAIT_DEFAULT_MS);
    expect(run.state.end).toMatchObject({ state: "timed_out" });
    const lenient = new Run([approval("ok", { onExpiry: "approve" })]);
    lenient.at(1_000 + PERSON_WAIT_DEFAULT_MS);
    expect(lenient.state.end?.state).toBe("succeeded");
  });

  it("[G19] counts an approval once, for one plan, by somebody who may, and never by who asked for it", () => {
    const run = new Run([
      approval("ok", { required: 2, from: { people: ["eve@example.com"], roles: ["lead"] } }),
    ]);
    const approve = (who: Person, planDigest = "digest") =>
      ({ type: "answer", step: "ok", answer: "approve", person: who, planDigest }) as const;
    expect(refusalOf(run.state, approve(person("usr_1")))?.detail).toContain("started");
    expect(refusalOf(run.state, approve(person("bob")))?.detail).toContain("others");
    expect(refusalOf(run.state, approve(person("eve"), "older"))?.code).toBe("conflict");
    run.input(approve(person("eve")));
    expect(refusalOf(run.state, approve(person("eve")))?.code).toBe("conflict");
    expect(run.input(approve(person("eve")))).toEqual([]);
    expect(run.state.state).toBe("waiting");
    run.input(approve(person("tom", { roles: ["lead"] })));
    expect(run.state.end?.state).toBe("succeeded");
  });

  it("[G19] is passed over by nobody, nor is a block with one in it, its own or in a runbook that it starts", () => {
    const inside: Block = { kind: "parallel", id: "both", confirm: true, branches: [[approval("ok")]] };
    const child: Block = { kind: "runbook", id: "sub", runbook: "Other", confirm: true };
    const procedure = { ...planOf([approval("deep")]), definitions: [] };
    const plans = { children: { sub: "rbv_2" }, runbooks: { rbv_2: procedure } };
    for (const block of [approval("ok"), inside, child]) {
      const run = new Run([block, command("danger")], plans);
      const skip = { type: "skip", step: block.id, actor: ACTOR, reason: "in a hurry" } as const;
      expect(refusalOf(run.state, skip)?.code).toBe("invalid_state");
      expect(run.input(skip)).toEqual([]);
      expect(run.step("danger").state).toBe("pending");
    }
  });

  it("fails with the name of who rejected", () => {
    const run = new Run([approval("ok"), command("a")]);
    run.input({
      type: "answer",
      step: "ok",
      answer: "reject",
      person: person("bob"),
      planDigest: "digest",
      note: "not on a Friday",
    });
    expect(run.state.end?.detail).toContain("rejected by bob: not on a Friday");
  });

  it("asks before a step that wants to be confirmed", () => {
    const run = new Run([command("rm", { confirm: "Really delete?" })]);
    expect(run.step("rm").wait).toMatchObject({ for: "confirmation", question: "Really delete?" });
    run.input({ type: "answer", step: "rm", answer: "confirm", person: person("bob") });
    expect(run.step("rm").state).toBe("dispatched");
  });
});

describe("trying again", () => {
  const flaky = command("flaky", { retry: { maxAttempts: 3, delayMs: 1_000, factor: 2 } });

  it("[G2] tries again after longer and longer pauses, and never more often than it may", () => {
    const run = new Run([flaky]).granted().started("flaky");
    run.exited("flaky", 1);
    expect(run.step("flaky")).toMatchObject({
      state: "waiting",
      attempt: 2,
      wait: { for: "retry", until: 2_000 },
    });
    run.at(2_000);
    run.started("flaky").exited("flaky", 1);
    expect(run.step("flaky").wait?.until).toBe(4_000);
    run.at(4_000);
    run.started("flaky").exited("flaky", 1);
    expect(run.state.end?.state).toBe("failed");
  });

  it("[ST2] tries what may have run only again when that does no harm", () => {
    const unknown = { type: "unknown", detail: "crash" } as const;
    const once = new Run([{ ...flaky, retry: { maxAttempts: 3, on: ["unknown"] } }])
      .granted()
      .started("flaky");
    once.finished("flaky", unknown);
    expect(once.state.end?.state).toBe("failed");
    const twice = new Run([{ ...flaky, idempotent: true, retry: { maxAttempts: 3, on: ["unknown"] } }])
      .granted()
      .started("flaky");
    twice.finished("flaky", unknown);
    expect(twice.step("flaky").wait?.for).toBe("retry");
  });

  it("does not try again what was canceled or refused", () => {
    const run = new Run([flaky]).granted().started("flaky");
    run.finished("flaky", { type: "refused", code: "policy", detail: "no" });
    expect(run.state.end?.state).toBe("failed");
  });

  it("goes on after a failure that is tolerated", () => {
    const run = new Run([command("a", { onFailure: "continue" }), command("b")]).granted().started("a");
    run.exited("a", 1);
    run.started("b").exited("b");
    expect(run.state.end?.state).toBe("succeeded");
  });

  it("takes other exit codes for success when the block says so", () => {
    const run = new Run([command("grep", { exitCodes: [0, 1] })]).granted().started("grep");
    run.exited("grep", 1);
    expect(run.state.end?.state).toBe("succeeded");
  });
});

describe("compensations and finally", () => {
  const undoable = (id: string) => command(id, { compensate: command(`undo-${id}`) });

  it("undoes what succeeded in reverse order, then cleans up, and ends as failed", () => {
    const run = new Run([undoable("a"), undoable("b"), command("c")], {
      finally: [command("clean")],
    }).granted();
    run.started("a").exited("a");
    run.started("b").exited("b");
    run.started("c").exited("c", 1);
    expect(run.state.phase).toMatchObject({ name: "compensating", steps: ["undo-b", "undo-a"] });
    run.started("undo-b").exited("undo-b", 1);
    run.started("undo-a").exited("undo-a");
    run.started("clean").exited("clean");
    expect(run.state.end).toMatchObject({ state: "failed" });
    expect(run.state.end?.detail).toContain('could not be undone: "undo-b" failed');
  });

  it("undoes each round of a foreach on its own agent", () => {
    const run = new Run([
      { kind: "foreach", id: "hosts", target: { mode: "all" }, concurrency: 1, blocks: [undoable("drain")] },
      command("fail"),
    ]);
    run.input({ type: "targets.resolved", step: "hosts", agents: agents(2) });
    for (const n of [0, 1])
      run
        .granted(n + 1, `agt_${n}`)
        .started(`drain~${n}`)
        .exited(`drain~${n}`);
    run.granted(3).started("fail").exited("fail", 1);
    const lease = run.state.leases.get(run.step("undo-drain~1").fence ?? 0);
    expect(lease?.wantedAgentId).toBe("agt_1");
  });

  it("cleans up after a cancel, and nothing after a cancel by force", () => {
    const blocks = [command("a")];
    const kind = new Run(blocks, { finally: [command("clean")] }).granted().started("a");
    kind.input({ type: "cancel", actor: ACTOR, reason: "", force: false });
    kind.finished("a", { type: "stopped", reason: "canceled", confirmed: true });
    kind.started("clean").exited("clean");
    expect(kind.state.end?.state).toBe("canceled");

    const hard = new Run(blocks, { finally: [command("clean")] }).granted().started("a");
    hard.input({ type: "cancel", actor: ACTOR, reason: "", force: true });
    expect(hard.state.end).toMatchObject({ state: "canceled", confirmed: false });
    expect(hard.state.steps.get("clean")).toBeUndefined();
  });
});

describe("what a step sees of its agent", () => {
  const shows = (id: string) =>
    command(id, { env: { WHO: { expr: "agent.name + ' ' + agent.labels.role" } } });
  const web = {
    type: "lease.granted",
    agentId: "agt_1",
    agentName: "web-1",
    labels: { role: "web" },
  } as const;

  it("is worked out once the agent is known: not before, and then for the one that takes the work", () => {
    const run = new Run([shows("a")]);
    expect(run.states()).toEqual({ a: "waiting" });
    expect(run.state.state).toBe("queued");
    run.input({ ...web, fence: 1 });
    expect(run.step("a")).toMatchObject({ state: "dispatched", inputs: { "env/WHO": "web-1 web" } });
    run.input({ type: "lease.failed", fence: 1, reason: "draining", retry: true });
    expect(run.step("a").state).toBe("waiting");
    run.input({ ...web, agentId: "agt_2", agentName: "web-2", fence: 2 });
    expect(run.step("a")).toMatchObject({ state: "dispatched", inputs: { "env/WHO": "web-2 web" } });
  });

  it("fails the step when it has no result, and lets the agent go", () => {
    const run = new Run([shows("a")]);
    run.input({ ...web, labels: {}, fence: 1 });
    expect(run.state.end).toMatchObject({ state: "failed", detail: expect.stringContaining("role") });
    expect(run.state.openLeases.size).toBe(0);
  });

  it("is known of each agent that a step is spread over, also to its condition", () => {
    const loop: Block = {
      kind: "foreach",
      id: "each",
      target: { mode: "all" },
      blocks: [command("do", { when: "agent.labels.role == 'web'" })],
    };
    const run = new Run([loop]);
    const agents = [
      { agentId: "agt_1", agentName: "web-1", labels: { role: "web" } },
      { agentId: "agt_2", agentName: "db-1", labels: { role: "db" } },
    ];
    run.input({ type: "targets.resolved", step: "each", agents });
    expect(run.states()).toMatchObject({ "do~0": "dispatched", "do~1": "skipped" });
  });

  it("is nothing where no agent is known yet, and says so", () => {
    const run = new Run([command("a", { when: "agent.name == 'web-1'" })]);
    expect(run.state.end?.detail).toContain("no agent is known");
  });
});

describe("pause, resume and skip", () => {
  it("lets what runs go on, begins nothing, and goes on from there", () => {
    const run = new Run([command("a"), command("b")]).granted().started("a");
    run.input({ type: "pause", actor: ACTOR, reason: "lunch" });
    expect(run.state.state).toBe("paused");
    run.exited("a");
    expect(run.step("b")).toMatchObject({ state: "waiting", wait: { for: "resume" } });
    run.input({ type: "resume", actor: ACTOR });
    expect(run.step("b").state).toBe("dispatched");
    expect(run.state.state).toMatch(/running|waiting/);
  });

  it("passes over a step that waits, by hand", () => {
    const run = new Run([
      { kind: "instruction", id: "ask", markdown: "Done?", acknowledge: true },
      command("a"),
    ]);
    run.input({ type: "skip", step: "ask", actor: ACTOR, reason: "agreed by phone" });
    expect(run.states()).toEqual({ ask: "skipped", a: "dispatched" });
    expect(refusalOf(run.state, { type: "skip", step: "a", actor: ACTOR, reason: "" })?.detail).toContain(
      "dispatched",
    );
  });

  it("says which state an ended execution is in", () => {
    const run = new Run([]);
    for (const type of ["cancel", "pause"] as const) {
      expect(refusalOf(run.state, { type, actor: ACTOR, reason: "", force: false })?.detail).toContain(
        "succeeded",
      );
    }
  });
});

describe("locks", () => {
  const locks = [{ name: "db" }];

  it("asks before it begins, and lets go when it has ended", () => {
    const run = new Run([command("a")], { locks });
    expect(run.asked()).toEqual(["locks.acquire"]);
    expect(run.state.state).toBe("waiting");
    run.input({ type: "locks.queued", step: "", ahead: 1, holder: "exe_9" });
    run.input({ type: "locks.granted", step: "", fences: { db: 4 } });
    run.granted().started("a").exited("a");
    expect(run.asked()).toContain("locks.release");
  });

  it("is asked for by one block and held until that has ended", () => {
    const run = new Run([command("a", { locks }), command("b")]);
    expect(run.step("a").wait?.for).toBe("locks");
    run.input({ type: "locks.granted", step: "a", fences: { db: 1 } });
    run.granted().started("a").exited("a");
    expect(run.step("a").locks).toBeUndefined();
  });

  it("gives up after a while", () => {
    const run = new Run([command("a")], { locks });
    run.at((deadlineOf(run.state)?.at ?? 0) + 1);
    expect(run.state.end?.state).toBe("timed_out");
  });
});

describe("a limit on executions at once", () => {
  const full = { type: "locks.queued", step: "", ahead: 2, holder: "", reason: "organization_full" } as const;

  it("is asked before anything begins, queued for in view, and let go of at the end", () => {
    const run = new Run([command("a")], {}, { limited: true });
    expect(run.asked()).toEqual(["locks.acquire"]);
    run.input(full);
    expect(run.state).toMatchObject({ state: "queued", locks: { slot: true, queue: { ahead: 2 } } });
    expect(run.states()).toEqual({});
    run.input({ type: "locks.granted", step: "", fences: {} });
    run.granted().started("a").exited("a");
    expect(run.asked()).toContain("locks.release");
  });

  it("is asked together with the locks, and costs nothing without a limit", () => {
    const run = new Run([command("a")], { locks: [{ name: "db" }] }, { limited: true });
    expect(run.asked()).toEqual(["locks.acquire"]);
    expect(run.state.locks).toMatchObject({ slot: true, locks: [{ name: "db" }] });
    expect(new Run([command("a")]).asked()).toEqual(["lease.request"]);
  });

  it("that leaves no place in time ends it, and says so", () => {
    const run = new Run([command("a")], {}, { limited: true });
    run.input(full);
    run.at((deadlineOf(run.state)?.at ?? 0) + 1);
    expect(run.state.end).toMatchObject({ state: "timed_out", detail: expect.stringMatching(/as many/) });
    expect(run.asked()).toContain("locks.release");
  });

  it("lets nothing run of what is canceled before it has a place", () => {
    const run = new Run([command("a")], { finally: [command("clean")] }, { limited: true });
    run.input(full);
    run.input({ type: "cancel", actor: ACTOR, reason: "", force: false });
    expect(run.state.end?.state).toBe("canceled");
    expect(run.states()).toEqual({});
  });
});

describe("other runbooks and the edge", () => {
  it("starts another execution, takes its end for its own, and is canceled with it", () => {
    const run = new Run([{ kind: "runbook", id: "child", runbook: "rb_2" }]);
    const { executionId = "" } = run.step("child");
    run.input({ type: "child.started", step: "child", executionId });
    expect(run.state.state).toBe("running");
    run.input({ type: "cancel", actor: ACTOR, reason: "", force: false });
    expect(run.asked()).toContain("child.cancel");
    run.input({ type: "child.finished", step: "child", executionId, state: "canceled" });
    expect(run.state.end?.state).toBe("canceled");
  });

  it("fails over text that is none, before anything is sent out", () => {
    const half = { expr: "params.p.substring(0, 1)" };
    const starts = { kind: "runbook", id: "a", runbook: "rb_2", parameters: { p: half } } as const;
    for (const block of [starts, command("a", { env: { P: half } })]) {
      const run = new Run([block], { parameters: { p: "😀" } });
      expect(run.state.end?.detail).toContain("half of a surrogate pair");
    }
  });

  it("[G5] stops waiting for an execution that does not begin", () => {
    const run = new Run([{ kind: "runbook", id: "child", runbook: "rb_2" }]);
    const { executionId = "" } = run.step("child");
    run.at(run.now + 10 * 60_000);
    expect(run.asked()).toContain("child.cancel");
    run.input({ type: "child.finished", step: "child", executionId, state: "canceled" });
    expect(run.state.end?.state).toBe("timed_out");
  });

  it("makes a request from the edge and takes values from its answer", () => {
    const run = new Run([
      { kind: "api", id: "call", method: "GET", url: "https://example.com", from: "edge" },
    ]);
    expect(run.asked()).toEqual(["edge.request"]);
    run.input({
      type: "edge.finished",
      step: "call",
      attempt: 1,
      outcome: { type: "answered", status: 200, expected: true },
      durationMs: 4,
      values: { version: "1.2" },
    });
    expect(run.step("call")).toMatchObject({ state: "succeeded", values: { version: "1.2" } });
  });

  const retry = { maxAttempts: 3, delayMs: 1_000 };
  const post: ApiBlock = { kind: "api", id: "call", method: "POST", url: "https://example.com", retry };
  const ends = (block: ApiBlock, outcome: AttemptOutcome) => {
    const run = new Run([block]);
    if (block.from === "edge") {
      run.input({ type: "edge.finished", step: "call", attempt: 1, outcome, durationMs: 4 });
    } else run.granted().started("call").finished("call", outcome);
    const { state, wait } = run.step("call");
    return wait?.for ?? state;
  };
  const broken: AttemptOutcome = { type: "unanswered", detail: "the connection was cut" };
  const late: AttemptOutcome = { type: "stopped", reason: "timed_out", confirmed: true };

  it.each(["agent", "edge"] as const)(
    "[G1] [ST2] a request from the %s that may have had an effect is made once, unless its block says that twice does no harm",
    (from) => {
      expect(ends({ ...post, from }, { ...broken, sent: true })).toBe("unknown");
      expect(ends({ ...post, from, idempotent: true }, { ...broken, sent: true })).toBe("retry");
      expect(ends({ ...post, from }, broken)).toBe("retry");
      expect(ends({ ...post, from }, { ...late, confirmed: false })).toBe("timed_out");
      expect(ends({ ...post, from, idempotent: true }, { ...late, confirmed: false })).toBe("retry");
      expect(ends({ ...post, from }, late)).toBe("retry");
    },
  );

  it("[G5] knows within two minutes that nothing will be heard of a request from the edge", () => {
    const run = new Run([{ ...post, from: "edge", timeoutMs: 3_600_000 }]);
    run.at(EDGE_TIMEOUT_MS);
    expect(run.step("call").state).toBe("dispatched");
    run.at(2 * EDGE_TIMEOUT_MS);
    expect(run.step("call").state).toBe("unknown");
  });

  it.each([true, false])("[CX1] gives a request from the edge up when it is canceled, force: %s", (force) => {
    const run = new Run([{ ...post, from: "edge" }]);
    run.input({ type: "cancel", actor: ACTOR, reason: "", force });
    expect(run.asked()).toContain("edge.cancel");
    expect(run.state.end).toMatchObject({ state: "canceled", confirmed: false });
  });
});
