/** An agent that stands still: stopped by a signal, as a host that is out of memory or asleep stops it. */
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { LONG, LONG_TIMEOUT_MS } from "../harness/long.ts";
import { untilGone } from "../harness/processes.ts";
import { runbookOf } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

describe("an agent that stands still", () => {
  test("[G16] [fault 4] and continues after its execution has ended: its step is killed, its report kept as late", async () => {
    const tenant = await world().signUp();
    const agent = await world().startAgent(tenant);
    const oracle = world().oracle();
    const execution = await tenant.run(
      runbookOf({ work: `${oracle.line}; echo up; setsid sleep 300 & wait`, next: oracle.line }),
    );
    await execution.printed("work", "up\n");
    agent.signal("SIGSTOP");
    await tenant.api.raw("POST", `/api/v1/executions/${execution.id}/cancel`, { body: { force: true } });
    const finished = await execution.finished();
    expect([finished.state, finished.confirmed]).toEqual(["canceled", false]);
    const outcome = async () => {
      const { state, steps } = await execution.read();
      return [state, ...steps.map((step) => [step.id, step.state, step.detail, step.outcome])];
    };
    const before = await outcome();
    agent.signal("SIGCONT");
    await untilGone(oracle.runs().map(({ pid }) => pid));
    const events = async () =>
      (await tenant.api.raw("GET", `/api/v1/executions/${execution.id}/events`)).text();
    await expect.poll(events, { timeout: 15_000 }).toContain('"step.late"');
    expect(await outcome()).toEqual(before);
    // Its slot is free again.
    const next = await tenant.run(runbookOf({ after: "echo after" }));
    expect((await next.finished()).state).toBe("succeeded");
    expect(oracle.runs().map(({ step }) => step)).toEqual(["work"]);
  });

  test(
    "[G3] [fault 40] for a while in the midst of output: nothing is lost, and the step goes on",
    async () => {
      const tenant = await world().signUp();
      const agent = await world().startAgent(tenant);
      const oracle = world().oracle();
      const count = LONG ? 70_000 : 3_000;
      const execution = await tenant.run(
        runbookOf({ work: `${oracle.line}; for i in $(seq ${count}); do echo $i; sleep 0.001; done` }),
      );
      await execution.printed("work", "100\n");
      agent.signal("SIGSTOP");
      await wait(LONG ? 60_000 : 1_500);
      agent.signal("SIGCONT");
      expect((await execution.finished()).state).toBe("succeeded");
      const lines = Array.from({ length: count }, (_, index) => `${index + 1}\n`);
      expect(await execution.stored("work")).toBe(lines.join(""));
      expect(oracle.runs()).toHaveLength(1);
    },
    LONG ? LONG_TIMEOUT_MS : undefined,
  );

  test.runIf(LONG)(
    "[G16] [fault 4] for longer than its lease: the execution ends without it; then its step is killed, and changes nothing",
    async () => {
      const tenant = await world().signUp();
      const agent = await world().startAgent(tenant);
      const oracle = world().oracle();
      const execution = await tenant.run(
        `# Test\n\n\`\`\`bash {name=work on-disconnect=stop}\n${oracle.line}; echo up; sleep 600\n\`\`\`\n`,
      );
      await execution.printed("work", "up\n");
      agent.signal("SIGSTOP");
      const { state } = await execution.finished();
      const before = await execution.read();
      expect([state, before.steps[0]?.state]).toEqual(["failed", "unknown"]);
      agent.signal("SIGCONT");
      await untilGone(oracle.runs().map(({ pid }) => pid));
      await agent.until("the lease to end", () => agent.log.some(({ msg }) => msg === "lease ended"));
      const after = await execution.read();
      expect([after.state, after.steps[0]?.state]).toEqual(["failed", "unknown"]);
      expect(oracle.runs()).toHaveLength(1);
    },
    LONG_TIMEOUT_MS,
  );
});
