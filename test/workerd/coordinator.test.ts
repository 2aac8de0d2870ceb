import { describe, expect, it } from "vitest";
import { read, running } from "./scene.ts";
import { Attempt, command, coordinatorOf, newExecution, newPlace } from "./scriptedAgent.ts";

describe("the path of an execution", () => {
  it("runs two steps over one data socket and lets the agent go", async () => {
    const scene = await running([command("a"), command("b")]);
    const { data, attempt, lease } = scene;
    data.send(attempt.chunk("one\n"));
    expect(await data.next("output.ack")).toMatchObject({ stream: "stdout", held: 4 });
    data.send(attempt.finished());
    expect(await data.next("step.recorded")).toMatchObject({ step: "a" });
    const start = await data.next("step.start");
    expect(start).toMatchObject({ step: "b", attempt: 1, fence: lease.fence });
    const second = new Attempt("b", lease.fence);
    data.send(second.started());
    data.send(second.finished({ type: "exited", exitCode: 2 }));
    await data.next("lease.release");
    const execution = await read(scene);
    expect(execution).toMatchObject({ state: "failed", detail: 'step "b": exit code 2' });
    expect(execution.steps.map((step) => [step.id, step.state])).toEqual([
      ["a", "succeeded"],
      ["b", "failed"],
    ]);
    expect(execution.steps[0]?.output).toEqual({ bytes: 4, lines: 1, cutBytes: 0 });
  });

  it("tells lists how it stands and where it went, without its plan and steps", async () => {
    const { place, execution } = await running();
    const stub = coordinatorOf(place, execution.executionId);
    const { plan: _, planDigest: __, steps: ___, ...whole } = await read({ place, execution });
    const found = await stub.summary();
    expect(found?.agentIds).toEqual([place.agentId]);
    expect(whole).toMatchObject(found?.execution ?? {});
    expect(found?.execution).toMatchObject({ id: execution.executionId, state: "running" });
    expect(Object.keys(found?.execution ?? {})).not.toContain("steps");
    await stub.remove({ by: { type: "system", name: "test" }, at: 1 });
    expect(await stub.summary()).toBeNull();
  });

  it("[G9] one request makes one execution, however often it comes; another body is a conflict", async () => {
    const place = newPlace();
    const execution = await newExecution(place, [command("a")]);
    const stub = coordinatorOf(place, execution.executionId);
    const results = await Promise.all(Array.from({ length: 50 }, () => stub.create(execution)));
    expect(results.filter((result) => result.outcome === "created")).toHaveLength(1);
    expect(results.filter((result) => result.outcome === "existing")).toHaveLength(49);
    expect(await stub.create({ ...execution, requestHash: "another" })).toEqual({ outcome: "conflict" });
  });

  it("knows nothing of an execution that was never created, and stores nothing for it", async () => {
    const stub = coordinatorOf(newPlace(), "exe_unknown");
    expect(await stub.read()).toBeNull();
    expect(await stub.events(0, 10)).toBeNull();
    expect((await stub.fetch("https://object/viewer", { headers: { upgrade: "websocket" } })).status).toBe(
      404,
    );
    expect((await stub.fetch("https://object/output.txt")).status).toBe(404);
  });
});
