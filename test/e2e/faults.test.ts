import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { FollowedExecution } from "../harness/execution.ts";
import { open, untilExists } from "../harness/files.ts";
import { untilGone } from "../harness/processes.ts";
import { runbookOf } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

/** Prints numbered lines until it is told to stop, then says so. */
function talker(gate: string): string {
  return `n=0; until [ -e '${gate}' ]; do n=$((n+1)); echo "line $n"; sleep 0.01; done; echo "done $n"`;
}

/** Every line from the first to the last, none missing, none twice. */
function expectWhole(output: string): void {
  const lines = output.trimEnd().split("\n");
  const said = lines.pop();
  expect(said).toBe(`done ${lines.length}`);
  expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`));
}

/** [G8] The stream's numbers only ever grow by one, across every reconnect. */
function expectNoGap(execution: FollowedExecution): void {
  expect(execution.seqs).toEqual(execution.seqs.map((_, index) => index + 1));
}

describe("the agent is killed in the middle of a step", () => {
  test("[G1] [ST2] [fault 1] the step is unknown and not run again, its output is kept, the execution ends", async () => {
    const tenant = await world().signUp();
    const agent = await world().startAgent(tenant);
    const oracle = world().oracle();
    const gate = world().newFolder("gate");
    const execution = await tenant.run(
      runbookOf({ work: `${oracle.line}\n${talker(gate)}`, next: oracle.line }),
    );
    await execution.printed("work", "line 20\n");
    await agent.kill();
    const shown = execution.stdout("work");
    await agent.run();
    const finished = await execution.finished();
    expect(finished.state).toBe("failed");
    const { steps } = await execution.read();
    expect(steps.map((step) => step.state)).toEqual(["unknown", "skipped"]);
    expect(oracle.runs().map((run) => run.step)).toEqual(["work"]);
    expect((await execution.stored("work")).startsWith(shown)).toBe(true);
    // What it had started did not outlive it.
    await untilGone(oracle.runs().map((run) => run.pid));
    expectNoGap(execution);
  });

  test("[G4] what was spooled and not yet sent is there after the restart", async () => {
    const tenant = await world().signUp();
    const proxy = await world().tcpProxy();
    const agent = await world().startAgent(tenant, { url: proxy.url });
    const printed = world().newFolder("printed");
    const execution = await tenant.run(
      runbookOf({
        work: `echo before; until [ -e '${printed}.cut' ]; do sleep 0.02; done; echo after; touch '${printed}'; sleep 300`,
      }),
    );
    await execution.printed("work", "before\n");
    proxy.cut();
    await open(`${printed}.cut`);
    await untilExists(printed);
    await agent.kill();
    proxy.heal();
    await agent.run();
    await execution.finished();
    expect(await execution.stored("work")).toBe("before\nafter\n");
  });

  test("[G1] [fault 3] killed after the step ended and before that was heard: the result is told again, once", async () => {
    const tenant = await world().signUp();
    const proxy = await world().tcpProxy();
    const agent = await world().startAgent(tenant, { url: proxy.url });
    const oracle = world().oracle();
    const gate = world().newFolder("gate");
    const execution = await tenant.run(
      runbookOf({ work: `${oracle.line}; echo up; until [ -e '${gate}' ]; do sleep 0.02; done; exit 3` }),
    );
    await execution.printed("work", "up\n");
    proxy.cut();
    await open(gate);
    await untilGone(oracle.runs().map((run) => run.pid));
    await agent.journaledEnd("work");
    await agent.kill();
    proxy.heal();
    await agent.run();
    expect((await execution.finished()).state).toBe("failed");
    const { steps } = await execution.read();
    expect(steps[0]?.outcome).toEqual({ type: "exited", exitCode: 3 });
    expect(oracle.runs()).toHaveLength(1);
  });
});

describe("the network is cut in the middle of a step", () => {
  test("[G3] [G8] [OT3] the step goes on, nothing is lost or run twice, and the execution ends", async () => {
    const tenant = await world().signUp();
    const proxy = await world().tcpProxy();
    await world().startAgent(tenant, { url: proxy.url });
    const oracle = world().oracle();
    const gate = world().newFolder("gate");
    const execution = await tenant.run(
      runbookOf({ work: `${oracle.line}\n${talker(gate)}`, next: `${oracle.line}; echo next` }),
    );
    for (const line of [20, 60, 100]) {
      await execution.printed("work", `line ${line}\n`);
      proxy.cut();
      proxy.heal();
    }
    await execution.printed("work", "line 150\n");
    await open(gate);
    expect((await execution.finished()).state).toBe("succeeded");
    expectWhole(await execution.stored("work"));
    expect(execution.stdout("work")).toBe(await execution.stored("work"));
    expect(oracle.runs().map((run) => run.step)).toEqual(["work", "next"]);
    expectNoGap(execution);
  });

  test("[OT4] [fault 14] [fault 16] resets in the middle of frames, on a slow line in small slices", async () => {
    const tenant = await world().signUp();
    const proxy = await world().tcpProxy();
    await world().startAgent(tenant, { url: proxy.url });
    proxy.set({ sliceBytes: 700, latencyMs: 5, cutAfterBytes: 60_000 });
    const bytes = 400_000;
    const execution = await tenant.run(runbookOf({ big: `head -c ${bytes} /dev/zero | tr '\\0' x` }));
    // Each connection carries a part and dies; healed before the pauses between them grow long.
    await proxy.connectedAgain(3);
    proxy.heal();
    expect((await execution.finished()).state).toBe("succeeded");
    const stored = await execution.stored("big");
    expect(stored.length).toBe(bytes);
    const { steps } = await execution.read();
    expect(steps[0]?.streams?.stdout.sha256).toBe(createHash("sha256").update(stored).digest("hex"));
  });
});

describe("workerd is killed in the middle of a step", () => {
  test("[G3] [G8] [G11] [fault 6] the step goes on, and everything is there in the end", async () => {
    const tenant = await world().signUp();
    await world().startAgent(tenant);
    const oracle = world().oracle();
    const gate = world().newFolder("gate");
    const execution = await tenant.run(
      runbookOf({ work: `${oracle.line}\n${talker(gate)}`, next: `${oracle.line}; echo next` }),
    );
    await execution.printed("work", "line 30\n");
    await world().killRuntime();
    const seen = execution.stdout("work").split("\n").length;
    await execution.printed("work", `line ${seen + 30}\n`);
    await open(gate);
    expect((await execution.finished()).state).toBe("succeeded");
    expectWhole(await execution.stored("work"));
    expect(execution.stdout("work")).toBe(await execution.stored("work"));
    expect(oracle.runs().map((run) => run.step)).toEqual(["work", "next"]);
    expect(execution.reconnects).toBeGreaterThan(0);
    expectNoGap(execution);
  });
});
