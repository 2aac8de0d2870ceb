/** Several steps under one lease, several leases of one execution, and the folder that they share. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Block } from "#protocol/blocks/index.ts";
import type { Coordinator, FakeControlPlane } from "./fake-control-plane.ts";
import { command, connectedSite, gone, linesOf, oracle, prepareAgent } from "./harness.ts";

prepareAgent();

describe("steps are found by their path", () => {
  const blocks: Block[] = [
    {
      ...{ kind: "condition", id: "maybe", if: "true" },
      then: [
        {
          ...{ kind: "foreach", id: "each", items: "[1]" },
          blocks: [
            command("inside", 'echo "$FARHAND_STEP $ITEM"', {
              env: { ITEM: { expr: "item" } },
              compensate: command("undo", "echo undo"),
            }),
            command("many", 'echo "$FARHAND_STEP"', { target: { mode: "all" } }),
          ],
        },
      ],
    },
    {
      kind: "parallel",
      id: "both",
      branches: [[command("left", "echo left")], [command("right", "echo right")]],
    },
  ];

  it.each([
    ["in a foreach in a condition", "inside~3", { "env/ITEM": "$(x)" }, "inside~3 $(x)\n"],
    ["of one agent of many", "many~3~1", undefined, "many~3~1\n"],
    ["in a branch", "right", undefined, "right\n"],
    ["that undoes another", "undo~3", undefined, "undo\n"],
  ])("%s", async (_, firstStep, inputs, printed) => {
    const { plane } = await connectedSite();
    const { coordinator, finished } = await plane.run({ blocks, firstStep, ...(inputs && { inputs }) });
    expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
    expect(coordinator.output(firstStep, "stdout").toString()).toBe(printed);
  });

  it.each(["inside", "inside~", "inside~x", "inside~1~1", "each~0", "../inside~1", "right~0", "undo"])(
    "and nothing runs for %s",
    async (firstStep) => {
      const { plane } = await connectedSite();
      const { finished } = await plane.run({ blocks, firstStep });
      expect(finished.outcome).toMatchObject({ type: "refused" });
    },
  );

  it("with the time limit that their block has there", async () => {
    const { plane } = await connectedSite();
    const { coordinator } = await plane.offer({
      blocks: [
        {
          ...{ kind: "foreach", id: "each", items: "[1]" },
          blocks: [command("inside", "echo up; sleep 300", { timeoutMs: 1_000 })],
        },
      ],
      firstStep: "inside~0",
    });
    expect((await coordinator.finished("inside~0")).outcome).toMatchObject({ reason: "timed_out" });
  });
});

describe("several steps at once under one lease", () => {
  const both = (left: string, right: string): Block[] => [command("left", left), command("right", right)];

  it("run beside each other, each with its own output and end", async () => {
    const { plane, path } = await connectedSite({ slots: 1 });
    const meet = (mine: string, other: string) =>
      `echo ${mine}; touch ${path(mine)}; while [ ! -e ${path(other)} ]; do sleep 0.02; done; pwd`;
    const { coordinator } = await plane.offer({ blocks: both(meet("l", "r"), `${meet("r", "l")}; exit 5`) });
    await coordinator.printed("left", "l");
    coordinator.start("right");
    expect((await coordinator.finished("left")).outcome).toEqual({ type: "exited", exitCode: 0 });
    expect((await coordinator.finished("right")).outcome).toEqual({ type: "exited", exitCode: 5 });
    expect(coordinator.output("right", "stdout").toString()).toMatch(/^r\n.*\/work\n$/);
    expect(coordinator.sockets).toHaveLength(1);
  });

  it("[CX1] end one by one when one is canceled", async () => {
    const { plane, path } = await connectedSite();
    const { coordinator } = await plane.offer({
      blocks: both(
        "echo up; sleep 300",
        `echo up; while [ ! -e ${path("go")} ]; do sleep 0.02; done; echo went`,
      ),
    });
    await coordinator.printed("left", "up");
    coordinator.start("right");
    await coordinator.printed("right", "up");
    coordinator.cancel("left", 500);
    expect((await coordinator.finished("left")).outcome).toMatchObject({ type: "stopped", confirmed: true });
    expect(coordinator.of("step.finished").map(({ step }) => step)).toEqual(["left"]);
    await plane.run({ blocks: [command("go", `touch ${path("go")}`)] });
    expect((await coordinator.finished("right")).outcome).toEqual({ type: "exited", exitCode: 0 });
  });

  it("[OT2] one that has much to send does not keep the other's output back", async () => {
    const { plane, agent, path } = await connectedSite();
    const { coordinator } = await plane.offer({
      blocks: both(
        `head -c 20000000 /dev/zero; touch ${path("spooled")}; sleep 300`,
        `while [ ! -e ${path("spooled")} ]; do sleep 0.02; done; echo short`,
      ),
      configure: (each) => {
        each.acknowledges = false;
      },
    });
    const sent = () => coordinator.output("left", "stdout").length;
    await plane.changes.until("a full window", () => sent() >= 8_000_000);
    coordinator.start("right");
    // All of it is on the disk now, and none of it may be sent.
    await agent.logged("step ended");
    expect(coordinator.output("right", "stdout")).toHaveLength(0);
    const before = sent();
    let sentBetween: number | undefined;
    coordinator.onChunk = () => {
      if (coordinator.output("right", "stdout").length > 0) sentBetween ??= sent() - before;
    };
    coordinator.acknowledges = true;
    coordinator.socket.terminate();
    await coordinator.finished("right");
    expect(sentBetween).toBeLessThan(2_000_000);
    coordinator.cancel("left", 500);
    await coordinator.finished("left");
  });

  it("[OT3] [G3] both go on over cut connections, and nothing is lost", async () => {
    const { plane, path } = await connectedSite();
    // Not before both have begun: a start that is lost with its connection is not sent again here.
    const gate = `while [ ! -e ${path("gate")} ]; do sleep 0.02; done`;
    const noise = (seed: number) => `${gate}; seq ${seed} 3 900000 | tee >(sha256sum >&2)`;
    const { coordinator } = await plane.offer({
      blocks: both(noise(1), noise(2)),
      configure: (each) => {
        each.cutAfterBytes = 700_000;
      },
    });
    await plane.changes.until("the first start", () => coordinator.of("step.started").length > 0);
    coordinator.start("right");
    await plane.changes.until("both starts", () => coordinator.of("step.started").length === 2);
    writeFileSync(path("gate"), "");
    for (const step of ["left", "right"]) {
      const { streams } = await coordinator.finished(step);
      expect(streams.stdout.sha256).toBe(coordinator.sha256(step, "stdout"));
      expect(coordinator.output(step, "stderr").toString().slice(0, 64)).toBe(streams.stdout.sha256);
    }
    expect(coordinator.sockets.length).toBeGreaterThan(3);
  });

  it("[ST2] [G1] both are unknown after a crash, and neither runs again", async () => {
    const { plane, agent, start, path } = await connectedSite();
    const script = (name: string) =>
      `${oracle(path(name))}; echo up; trap '' INT TERM; while :; do sleep 1; done`;
    const { coordinator } = await plane.offer({ blocks: both(script("l"), script("r")) });
    await coordinator.printed("left", "up");
    coordinator.start("right");
    await coordinator.printed("right", "up");
    const pids = coordinator.of("step.started").map(({ pid }) => pid);
    await agent.kill();
    start();
    for (const step of ["left", "right"]) {
      expect((await coordinator.finished(step)).outcome).toMatchObject({ type: "unknown" });
    }
    coordinator.start("left");
    coordinator.start("right");
    await plane.changes.until("acknowledgements", () => coordinator.of("ack").length >= 3);
    await gone(pids);
    expect([linesOf(path("l")).length, linesOf(path("r")).length]).toEqual([1, 1]);
  });
});

describe("[G2] attempts of a step", () => {
  const slowToEnd = (path: string): Block[] => [
    command(
      "again",
      `echo "begin $FARHAND_ATTEMPT" >> ${path}
       trap 'sleep 0.3; echo "end $FARHAND_ATTEMPT" >> ${path}; exit' INT
       echo up; [ $FARHAND_ATTEMPT = 2 ] || while :; do sleep 0.1; done`,
    ),
  ];
  const inTurn = ["begin 1", "end 1", "begin 2"];

  it("never overlap under one lease: the earlier is ended before the newer begins", async () => {
    const { plane, path } = await connectedSite();
    const { coordinator } = await plane.offer({ blocks: slowToEnd(path("turns")) });
    await coordinator.printed("again", "up");
    coordinator.start("again", 2);
    expect((await coordinator.finished("again", 2)).outcome).toEqual({ type: "exited", exitCode: 0 });
    expect((await coordinator.finished("again", 1)).outcome).toMatchObject({ type: "stopped" });
    expect(linesOf(path("turns"))).toEqual(inTurn);
  });

  it("never overlap under two leases, and an older lease does not end what a newer one runs", async () => {
    const { plane, path } = await connectedSite();
    const blocks = slowToEnd(path("turns"));
    const first = await plane.offer({ blocks });
    await first.coordinator.printed("again", "up");
    const second = await plane.offer({ blocks, after: first.coordinator, attempt: 3 });
    await second.coordinator.printed("again", "up", 3);
    expect((await first.coordinator.finished("again", 1)).outcome).toMatchObject({ type: "stopped" });
    first.coordinator.start("again", 2);
    expect((await first.coordinator.finished("again", 2)).outcome).toMatchObject({
      type: "refused",
      code: "stale_fence",
    });
    expect(linesOf(path("turns"))).toEqual(["begin 1", "end 1", "begin 3"]);
  });

  it("[CX1] one that is stopped while it waits for an earlier one never begins", async () => {
    const { plane, path } = await connectedSite();
    const { coordinator } = await plane.offer({ blocks: slowToEnd(path("turns")) });
    await coordinator.printed("again", "up");
    coordinator.start("again", 2);
    coordinator.cancel("again", 500, "canceled", 2);
    expect((await coordinator.finished("again", 2)).outcome).toMatchObject({ type: "stopped" });
    await coordinator.finished("again", 1);
    expect(linesOf(path("turns"))).toEqual(["begin 1", "end 1"]);
  });
});

describe("the folder of an execution", () => {
  const blocks = [
    command("one", "echo kept > note"),
    command("two", "cat note"),
    command("three", "cat note"),
  ];
  const ended = (plane: FakeControlPlane, count: number) =>
    plane.changes.until(`${count} leases ended`, () => plane.control.of("lease.ended").length === count);
  const folder = (state: string, { executionId }: Coordinator) => join(state, "executions", executionId);

  it("waits for another lease when it is told to, also over a restart, and goes with the last", async () => {
    const { plane, state, agent, start } = await connectedSite();
    const first = await plane.run({ blocks });
    first.coordinator.release(true);
    await ended(plane, 1);
    await agent.kill();
    start();
    await plane.changes.until("another hello", () => plane.controls[1]?.of("hello")[0]);
    const second = await plane.run({ blocks, firstStep: "two", after: first.coordinator });
    expect(second.coordinator.output("two", "stdout").toString()).toBe("kept\n");
    second.coordinator.release();
    await ended(plane, 1);
    await expect.poll(() => readdirSync(join(state, "executions"))).toEqual([]);
  });

  it("is shared by leases that are open at once, and goes when the last of them ends", async () => {
    const { plane, state } = await connectedSite();
    const first = await plane.run({ blocks });
    const second = await plane.run({ blocks, firstStep: "two", after: first.coordinator });
    expect(second.coordinator.output("two", "stdout").toString()).toBe("kept\n");
    first.coordinator.release();
    await ended(plane, 1);
    second.coordinator.start("three");
    expect((await second.coordinator.finished("three")).outcome).toEqual({ type: "exited", exitCode: 0 });
    second.coordinator.release();
    await ended(plane, 2);
    await expect.poll(() => existsSync(folder(state, first.coordinator))).toBe(false);
  });

  it("is kept when nobody said that nothing will come, but not longer than the plan is good for", async () => {
    const { plane, state, agent, start } = await connectedSite();
    const expiresAt = Date.now() + 3_000;
    const long = await plane.run({ blocks });
    const short = await plane.run({ blocks, expiresAt });
    for (const { coordinator } of [long, short]) {
      const { id: leaseId, fence } = coordinator.lease;
      plane.control.send({ type: "lease.revoke", id: `r:${leaseId}`, leaseId, fence, reason: "test" });
    }
    await ended(plane, 2);
    expect(readdirSync(join(state, "executions"))).toHaveLength(2);
    await expect.poll(() => existsSync(folder(state, short.coordinator)), { timeout: 10_000 }).toBe(false);
    await expect.poll(() => readdirSync(join(state, "executions"))).toEqual([long.coordinator.executionId]);
    await agent.kill();
    start();
    await plane.changes.until("another hello", () => plane.controls[1]?.of("hello")[0]);
    expect(readdirSync(join(state, "executions"))).toEqual([long.coordinator.executionId]);
  });
});
