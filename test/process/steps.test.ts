import { expect, it } from "vitest";
import { command, connectedSite, useAgent } from "./harness.ts";

useAgent();

it("runs the first step from the offer and reports output and exit code", async () => {
  const { plane, agent } = await connectedSite();
  const { coordinator, finished } = await plane.run({
    blocks: [command("hello", "echo out; echo err >&2; exit 7")],
  });
  expect(finished).toMatchObject({
    outcome: { type: "exited", exitCode: 7 },
    leakedOutput: false,
    fence: 1,
    streams: { stdout: { bytes: 4, cutBytes: 0 }, stderr: { bytes: 4, cutBytes: 0 } },
  });
  expect(coordinator.output("hello", "stdout").toString()).toBe("out\n");
  expect(coordinator.output("hello", "stderr").toString()).toBe("err\n");
  expect(coordinator.of("step.started")[0]).toMatchObject({ step: "hello", attempt: 1, fence: 1 });
  expect(plane.control.of("lease.accepted")).toHaveLength(1);
  expect(agent.alive).toBe(true);
  expect(plane.problems).toEqual([]);
});
