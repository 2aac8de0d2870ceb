import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { CANCEL_GRACE_MS, HEARTBEAT_TIMEOUT_MS } from "#protocol/limits.ts";
import { CONFIRM_MARGIN_MS } from "../../worker/execution/engine/deadlines.ts";
import { eventually } from "./eventually.ts";
import { later, read, running, type Scene } from "./scene.ts";
import { command, coordinatorOf, openData } from "./scriptedAgent.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe("time", () => {
  it("[G5] stops a step that ran out of time, and ends without its agent's word if need be", async () => {
    const scene = await running([command("a", { timeoutMs: 30_000 })]);
    const { data } = scene;
    data.send(scene.attempt.chunk("x"));
    await data.next("output.ack");
    await later(scene, 30_000);
    expect(await data.next("step.cancel")).toMatchObject({ reason: "timed_out" });
    await later(scene, CANCEL_GRACE_MS + CONFIRM_MARGIN_MS);
    expect(await read(scene)).toMatchObject({
      state: "timed_out",
      confirmed: false,
      steps: [{ state: "timed_out" }],
    });
  });

  it("[HS3] [G14] gives up a data socket that sent no heartbeat for 45 s; the step is out of reach", async () => {
    const scene = await running();
    const { data, attempt } = scene;
    data.send(attempt.chunk("x"));
    await data.next("output.ack");
    await later(scene, HEARTBEAT_TIMEOUT_MS);
    expect(await data.end()).toMatchObject({ code: 4408 });
    expect(await read(scene)).toMatchObject({ state: "running", steps: [{ state: "unreachable" }] });
  });

  it("[G16] keeps what an agent reports after the end, and lets it go", async () => {
    const scene = await running([command("a", { timeoutMs: 1_000 })]);
    const { place, execution, data, attempt, lease } = scene;
    data.send(attempt.chunk("x"));
    await data.next("output.ack");
    data.socket.close(1000, "cut");
    await coordinatorOf(place, execution.executionId).read();
    await later(scene, 1_000 + CANCEL_GRACE_MS + CONFIRM_MARGIN_MS + HEARTBEAT_TIMEOUT_MS);
    expect(await read(scene)).toMatchObject({ state: "failed", steps: [{ state: "unknown" }] });

    const again = await openData(place, execution.executionId);
    again.send(attempt.hello(lease, "finished"));
    expect(await again.next("welcome")).toMatchObject({ current: false });
    again.send(attempt.finished());
    await again.next("step.recorded");
    await again.next("lease.release");
    expect(await read(scene)).toMatchObject({ state: "failed", steps: [{ state: "unknown" }] });
    const page = await coordinatorOf(place, execution.executionId).events(0, 100);
    expect(page?.events.at(-1)?.event).toMatchObject({ type: "step.late", outcome: { exitCode: 0 } });
  });

  it("[G17] runs on without D1, and the index catches up", async () => {
    await env.DB.exec("ALTER TABLE executions RENAME TO executions_away");
    let scene: Scene;
    try {
      scene = await running();
      scene.data.send(scene.attempt.finished());
      await scene.data.next("step.recorded");
      expect(await read(scene)).toMatchObject({ state: "succeeded" });
    } finally {
      await env.DB.exec("ALTER TABLE executions_away RENAME TO executions");
    }
    const row = () =>
      env.DB.prepare("SELECT state FROM executions WHERE id = ?")
        .bind(scene.execution.executionId)
        .first("state");
    expect(await row()).toBeNull();
    await later(scene, 120_000);
    await eventually(async () => expect(await row()).toBe("succeeded"));
  });
});
