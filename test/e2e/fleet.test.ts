import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { inParallel } from "../harness/inParallel.ts";
import { runbookOf } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

/** One step on every agent; each prints its name, so many numbered lines, and something on stderr. */
const FAN_OUT = `# Fleet

\`\`\`farhand
kind: command
name: work
interpreter: sh
target: { mode: all, max-failures: 3 }
env: { NAME: { expr: agent.name }, LINES: { expr: agent.labels.lines } }
script: |
  i=0
  while [ $i -lt $LINES ]; do i=$((i+1)); echo "$NAME says $i é"; done
  echo "$NAME is done" >&2
  [ $LINES -ne 7 ]
\`\`\`
`;

test("[G3] a step on each of 60 agents keeps apart what they print, byte for byte", async () => {
  const tenant = await world().signUp();
  const count = 60;
  const linesOf = (index: number) => (index * 31) % 97;
  const fleet = await world().startFleet(tenant, {
    count,
    perProcess: 30,
    labels: (index) => ({ lines: String(linesOf(index)) }),
  });
  const execution = await tenant.run(FAN_OUT);
  expect((await execution.finished()).state).toBe("succeeded");
  const { steps } = await execution.read();
  const targets = steps.filter(({ id }) => id.startsWith("work~"));
  expect(targets.map(({ agentName }) => agentName).sort()).toEqual(fleet.agents.map(({ name }) => name));
  await inParallel(8, fleet.agents, async ({ name, index, agentId }) => {
    const step = targets.find((each) => each.agentId === agentId);
    const numbers = Array.from({ length: linesOf(index) }, (_, n) => `${name} says ${n + 1} é\n`);
    const stdout = numbers.join("");
    expect(step?.state).toBe(linesOf(index) === 7 ? "failed" : "succeeded");
    expect(step?.streams?.stdout.sha256).toBe(createHash("sha256").update(stdout).digest("hex"));
    expect(await execution.stored(step?.id ?? "")).toBe(stdout);
    expect(execution.stdout(step?.id ?? "")).toBe(stdout);
    const path = `/api/v1/executions/${execution.id}/steps/${step?.id}/output?stream=stderr`;
    expect(await (await tenant.api.raw("GET", path)).text()).toBe(`${name} is done\n`);
  });
});

test("[fault 33] [HS4] 60 agents come back after workerd was killed, each in its own time, and work goes on meanwhile", async () => {
  const tenant = await world().signUp();
  const fleet = await world().startFleet(tenant, { count: 60, perProcess: 30 });
  const runbookId = await tenant.runbook(runbookOf({ hello: "echo hello" }));
  const killedAt = Date.now();
  await world().killRuntime();
  const asked = performance.now();
  const execution = await tenant.start(runbookId);
  await execution.event("lease.granted");
  const claimMs = performance.now() - asked;
  const back = await fleet.reconnectedSince(killedAt);
  expect((await execution.finished()).state).toBe("succeeded");
  expect(claimMs).toBeLessThan(10_000);

  // Nobody dials at once, and no fifth of the time in which they do has half of them.
  const first = new Map(fleet.losses.toReversed().map((loss) => [loss.index, loss.retryInMs]));
  const pauses = Array.from(first.values()).sort((a, b) => a - b);
  expect(pauses).toHaveLength(60);
  expect(pauses.at(-1)).toBeLessThanOrEqual(1_000);
  for (let from = 0; from < 1_000; from += 200) {
    const dialing = pauses.filter((pause) => pause >= from && pause < from + 200);
    expect(dialing.length).toBeLessThan(30);
  }
  // Each was welcomed once, after a few tries: no loop, and none that threw another out.
  expect(fleet.connections.filter(({ at }) => at >= killedAt)).toHaveLength(60);
  expect(fleet.losses.length).toBeLessThan(60 * 8);
  expect(Math.max(...back.map(({ at }) => at - killedAt))).toBeLessThan(30_000);
});
