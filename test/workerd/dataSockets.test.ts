import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Block } from "#protocol/blocks/index.ts";
import { CHUNK_MAX_BYTES, COMMAND_RESEND_MS } from "#protocol/limits.ts";
import { LET_GO_MS } from "../../worker/execution/agentLink.ts";
import { ExecutionCoordinator } from "../../worker/execution/ExecutionCoordinator.ts";
import { AgentPool } from "../../worker/pool/AgentPool.ts";
import { ASK_MS } from "../../worker/pool/deadlines.ts";
import { PoolStore } from "../../worker/pool/store.ts";
import { eventually } from "./eventually.ts";
import { later, read, running, type Scene } from "./scene.ts";
import {
  Attempt,
  acceptOffer,
  command,
  connectAgent,
  coordinatorOf,
  newExecution,
  newPlace,
  openData,
  type Place,
  poolOf,
} from "./scriptedAgent.ts";

function statusOf(place: Place, leaseId: string) {
  return runInDurableObject(poolOf(place), (_, { storage }) => new PoolStore(storage).lease(leaseId)?.status);
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The end of step "a", as a frame, with a value of so many levels. */
function deeplyValued(levels: number): string {
  const finished = JSON.stringify(new Attempt("a", 1).finished());
  return `${finished.slice(0, -1)},"values":{"v":${"[".repeat(levels)}${"]".repeat(levels)}}}`;
}

/** An execution whose step was offered to one agent, which declined, and runs on another. */
async function taken() {
  const place = newPlace();
  const one = await connectAgent(place);
  const execution = await newExecution(place, [command("a")]);
  await coordinatorOf(place, execution.executionId).create(execution);
  const old = (await one.next("lease.offer")) as unknown as { lease: Scene["lease"] };
  const second = { ...place, agentId: "agt_second" };
  const two = await connectAgent(second);
  one.send({ type: "lease.declined", leaseId: old.lease.id, fence: 1, reason: "draining", detail: "" });
  const { lease } = await acceptOffer(two);
  const data = await openData(second, execution.executionId);
  const attempt = new Attempt("a", 2);
  data.send(attempt.hello(lease));
  data.send(attempt.started());
  data.send(attempt.chunk("true\n"));
  await data.next("output.ack");
  return { place, execution, data, attempt, old };
}

describe("agents", () => {
  it("[G11] go on after the coordinator was evicted in mid-stream", async () => {
    const scene = await running();
    const { place, execution, data, attempt } = scene;
    data.send(attempt.chunk("before\n"));
    await data.next("output.ack");
    await evictDurableObject(coordinatorOf(place, execution.executionId));
    data.send(attempt.chunk("after\n"));
    await data.next("output.ack", 2);
    await evictDurableObject(coordinatorOf(place, execution.executionId));
    data.send(attempt.finished());
    await data.next("step.recorded");
    expect(await read(scene)).toMatchObject({
      state: "succeeded",
      steps: [{ output: { bytes: 13, lines: 2 } }],
    });
  });

  it("[OT3] are told on reconnecting what is held, and go on from there", async () => {
    const scene = await running();
    const { place, execution, data, attempt, lease } = scene;
    data.send(attempt.chunk("held\n"));
    await data.next("output.ack");
    data.socket.close(1000, "cut");
    const lost = attempt.chunk("not held\n");
    const again = await openData(place, execution.executionId);
    again.send(attempt.hello(lease));
    expect(await again.next("welcome")).toMatchObject({
      current: true,
      attempts: [{ step: "a", held: { stdout: 5, stderr: 0 }, recorded: false }],
    });
    again.send(lost);
    again.send(attempt.finished());
    await again.next("step.recorded");
    expect((await read(scene)).state).toBe("succeeded");
  });

  it("[G13] [ST3] have their result taken once, however often they repeat it", async () => {
    const { place, execution, data, attempt } = await running([command("a"), command("b")]);
    const finished = attempt.finished();
    data.send(finished);
    data.send(finished);
    data.send(finished);
    await data.next("step.recorded", 3);
    expect(data.messages("step.start")).toHaveLength(1);
    const page = await coordinatorOf(place, execution.executionId).events(0, 100);
    expect(page?.events.filter(({ event }) => event.type === "step.finished")).toHaveLength(1);
  });

  it("[S5] are refused under a lease that is not theirs", async () => {
    const { place, execution, lease } = await running();
    const stranger = { ...place, agentId: "agt_stranger" };
    const data = await openData(stranger, execution.executionId);
    data.send(new Attempt("a", lease.fence).hello(lease));
    expect(await data.end()).toMatchObject({ code: 4410 });
    const guess = await openData(place, execution.executionId);
    guess.send(new Attempt("a", 1).hello({ ...lease, id: "lse_guess" }));
    expect(await guess.end()).toMatchObject({ code: 4410 });
  });

  it("[LS2] [S5] [G16] under an older fence cannot add to, erase or forge what is stored", async () => {
    const { place, execution, data, attempt, old } = await taken();
    const stale = await openData(place, execution.executionId);
    const forged = new Attempt("a", 1);
    stale.send(forged.hello(old.lease));
    await stale.next("welcome");
    stale.send(forged.chunk("12345"));
    stale.send(forged.chunk("injected"));
    stale.send(forged.finished());
    await stale.next("step.recorded");
    data.send(attempt.chunk("more\n"));
    data.send(attempt.finished());
    await data.next("step.recorded");
    const after = new Attempt("a", 2);
    after.chunk("true\nmore\n");
    data.send(after.chunk("after the end"));
    await data.next("output.ack", 3);
    const stub = coordinatorOf(place, execution.executionId);
    expect(await (await stub.fetch("https://object/output.txt")).text()).toBe("true\nmore\n");
    expect(await read({ place, execution })).toMatchObject({ state: "succeeded" });
  });

  it("[LS2] under an older fence do not touch a result that waits for its output", async () => {
    const { place, execution, data, attempt, old } = await taken();
    const missing = attempt.chunk("more\n");
    data.send(attempt.finished());
    await data.next("output.resend");
    const stale = await openData(place, execution.executionId);
    const late = new Attempt("a", 1);
    stale.send(late.hello(old.lease));
    await stale.next("welcome");
    stale.send(late.finished());
    await stale.next("step.recorded");
    data.send(missing);
    await data.next("output.ack", 2);
    expect(await read({ place, execution })).toMatchObject({ state: "succeeded" });
  });

  it("[HS2] cannot use an assertion twice", async () => {
    const { place, execution } = await running();
    await openData(place, execution.executionId, "the-same");
    await expect(openData(place, execution.executionId, "the-same")).rejects.toThrow("401");
  });

  it("[HS1] are told which end to upgrade when no version is shared", async () => {
    const { place, execution, lease, attempt } = await running();
    const data = await openData(place, execution.executionId);
    data.send({ ...attempt.hello(lease), protocol: { min: 7, max: 9 } });
    expect(await data.end()).toMatchObject({
      code: 4426,
      reason: expect.stringContaining("upgrade the server"),
    });
  });

  it.each([
    ["garbage", "not json"],
    ["a message nobody knows", { type: "step.explode" }],
    ["a field nobody knows", { type: "ack", id: "x", more: 1 }],
    ["a frame of more than 4 MiB", `{"type":"ack","id":"${"x".repeat(4 * 1024 * 1024)}"}`],
    ["values nested 100,000 levels deep", deeplyValued(100_000)],
    ["values nested deeper than an answer may have them", deeplyValued(102)],
    [
      "10,000 attempts",
      {
        ...new Attempt("a", 1).hello({ id: "l", executionId: "e", fence: 1 }),
        attempts: Array(10_000).fill({
          step: "a",
          attempt: 1,
          fence: 1,
          state: "running",
          spooled: { stdout: 0, stderr: 0 },
        }),
      },
    ],
    ["a report under another fence", new Attempt("a", 99).started()],
    ["output of a step that does not exist", new Attempt("zzz", 1).chunk("x")],
  ])("end their socket with %s, and the execution does not change", async (_name, frame) => {
    const scene = await running();
    const { data, place, execution } = scene;
    await data.until(() => true);
    const before = (await coordinatorOf(place, execution.executionId).events(0, 100))?.events.length;
    data.send(frame);
    expect(await data.end()).toMatchObject({ code: 4400 });
    const state = await read(scene);
    expect(["running", "unreachable"]).toContain(state.steps[0]?.state);
    expect(before).toBeGreaterThan(0);
  });

  it("[OT5] end their socket with more output than the block keeps, and what it keeps stays", async () => {
    const scene = await running([command("a", { outputLimitBytes: CHUNK_MAX_BYTES })]);
    scene.data.send(scene.attempt.chunk("x".repeat(CHUNK_MAX_BYTES)));
    await scene.data.next("output.ack");
    scene.data.send(scene.attempt.chunk("y"));
    expect(await scene.data.end()).toMatchObject({
      code: 4400,
      reason: expect.stringContaining("more output"),
    });
    expect((await read(scene)).steps[0]?.output.bytes).toBe(CHUNK_MAX_BYTES);
  });

  it("[S5] hand on only what their block names", async () => {
    const scene = await running([command("a", { outputs: ["v"] })]);
    scene.data.send({ ...scene.attempt.finished(), values: { v: "1", other: "2", "a\nb": "3" } });
    await scene.data.next("step.recorded");
    expect((await read(scene)).steps[0]?.values).toEqual({ v: "1" });
    const free = await running([command("a")]);
    free.data.send({ ...free.attempt.finished(), values: { v: "1", "a\nb": "3" } });
    await free.data.next("step.recorded");
    expect((await read(free)).steps[0]?.values).toEqual({ v: "1" });
  });

  it("hand on values as deep as an answer may have them, and expressions look at them", async () => {
    const next: Block = { kind: "condition", id: "next", if: "size(steps.a.outputs.v) == 1", then: [] };
    const scene = await running([command("a"), next]);
    scene.data.send(deeplyValued(100));
    await scene.data.next("step.recorded");
    await evictDurableObject(coordinatorOf(scene.place, scene.execution.executionId));
    const { state, steps } = await read(scene);
    expect([state, JSON.stringify(steps[0]?.values)]).toEqual([
      "succeeded",
      `{"v":${"[".repeat(100)}${"]".repeat(100)}}`,
    ]);
  });

  it("[CX1] are asked to stop, and what they report ends the execution", async () => {
    const scene = await running([command("a"), command("b")]);
    const { place, execution, data, attempt } = scene;
    const stub = coordinatorOf(place, execution.executionId);
    const actor = { type: "user", id: "usr_1", name: "Ada" } as const;
    const cancel = { type: "cancel", actor, reason: "enough", force: false } as const;
    expect(await stub.ask(cancel)).toMatchObject({ outcome: "accepted" });
    expect(await read(scene)).toMatchObject({ state: "running", canceling: true });
    expect(await data.next("step.cancel")).toMatchObject({ step: "a", reason: "canceled" });
    data.send(attempt.finished({ type: "stopped", reason: "canceled", confirmed: true }));
    await data.next("lease.release");
    expect(await read(scene)).toMatchObject({ state: "canceled", canceling: false, confirmed: true });
    expect(await stub.ask(cancel)).toMatchObject({ outcome: "refused", refusal: { code: "invalid_state" } });
  });

  it("[CM1] are told again what they did not answer", async () => {
    const { place, execution, data } = await running();
    const stub = coordinatorOf(place, execution.executionId);
    const actor = { type: "system", name: "test" } as const;
    await stub.ask({ type: "cancel", actor, reason: "", force: false });
    const first = await data.next("step.cancel");
    await runDurableObjectAlarm(stub);
    expect(await data.next("step.cancel", 2)).toEqual(first);
  });

  it("[CM1] are let go again until they go, and then cut off", async () => {
    const scene = await running();
    const { data, attempt } = scene;
    data.send(attempt.finished());
    const first = await data.next("lease.release");
    await later(scene, COMMAND_RESEND_MS);
    expect(await data.next("lease.release", 2)).toEqual(first);
    expect(data.closed).toBeUndefined();
    await later(scene, LET_GO_MS);
    expect(await data.end()).toMatchObject({ code: 4410 });
  });

  it("[CM1] are let go also when they came back with several results", async () => {
    const parallel: Block = { kind: "parallel", id: "both", branches: [[command("a")], [command("b")]] };
    const scene = await running([parallel]);
    const { place, execution, data, lease } = scene;
    const [a, b] = ["a", "b"].map((step) => new Attempt(step, lease.fence));
    if (!a || !b) throw new Error("unreachable");
    data.send(b.started());
    data.socket.close();
    await data.end();
    const again = await openData(place, execution.executionId);
    const [hello, other] = [a.hello(lease), b.hello(lease)] as { attempts: object[]; type: string }[];
    again.send({
      ...hello,
      type: "hello",
      attempts: [...(hello?.attempts ?? []), ...(other?.attempts ?? [])],
    });
    again.send(a.finished());
    again.send(b.finished());
    await again.next("lease.release");
    expect((await read(scene)).state).toBe("succeeded");
  });

  it("[CM1] [G11] are taken back from when the pool did not hear of the end", async () => {
    vi.spyOn(AgentPool.prototype, "releaseLease").mockRejectedValueOnce(new Error("no answer"));
    const scene = await running();
    const { place, data, attempt } = scene;
    data.send(attempt.finished());
    await data.next("lease.release");
    expect((await poolOf(place).presence())[place.agentId]).toMatchObject({ busySlots: 1 });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ASK_MS });
    await runDurableObjectAlarm(poolOf(place));
    await expect.poll(() => statusOf(place, scene.lease.id)).toBeUndefined();
  });

  it("[CM1] keep a lease that is still wanted, however long ago they accepted it", async () => {
    const { place, control, lease } = await running();
    const wanted = vi.spyOn(ExecutionCoordinator.prototype, "wantsLease");
    await expect.poll(() => statusOf(place, lease.id)).toBe("accepted");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ASK_MS });
    await runDurableObjectAlarm(poolOf(place));
    await eventually(() => expect(wanted).toHaveReturned());
    expect(await statusOf(place, lease.id)).toBe("accepted");
    expect(control.messages("lease.revoke")).toHaveLength(0);
  });

  it("[CX1] are told by way of the pool when their data socket stays away, and not before it had time to come back", async () => {
    const scene = await running();
    const { place, execution, control, data } = scene;
    const stub = coordinatorOf(place, execution.executionId);
    data.socket.close();
    await data.end();
    const actor = { type: "system", name: "test" } as const;
    await stub.ask({ type: "cancel", actor, reason: "", force: false });
    await runDurableObjectAlarm(stub);
    expect(control.messages("lease.revoke")).toHaveLength(0);
    await later(scene, COMMAND_RESEND_MS);
    expect(await control.next("lease.revoke")).toMatchObject({ fence: 1 });
  });

  it("[CX1] [LS1] that were taken away this way are counted on no longer: what comes next asks for another", async () => {
    const scene = await running([command("a")], [command("after")]);
    const { place, execution, control, data, lease } = scene;
    data.socket.close();
    await data.end();
    const actor = { type: "system", name: "test" } as const;
    const stub = coordinatorOf(place, execution.executionId);
    await stub.ask({ type: "cancel", actor, reason: "", force: false });
    await later(scene, COMMAND_RESEND_MS);
    await control.next("lease.revoke");
    control.send({ type: "lease.ended", leaseId: lease.id, fence: lease.fence });
    expect(await control.next("lease.offer", 2)).toMatchObject({ firstStep: { step: "after", fence: 2 } });
  });

  it("[CX1] are not taken away while something else is to go on under their lease", async () => {
    const stopped: Block = {
      ...{ kind: "condition", id: "maybe", if: "true", timeoutMs: 1_000 },
      then: [command("left")],
    };
    const scene = await running([
      { kind: "parallel", id: "both", branches: [[stopped], [command("right")]] },
    ]);
    const { place, control, data } = scene;
    await data.next("step.start");
    data.socket.close();
    await data.end();
    const release = vi.spyOn(AgentPool.prototype, "releaseLease");
    await later(scene, 1_000);
    await later(scene, COMMAND_RESEND_MS);
    const log = await coordinatorOf(place, scene.execution.executionId).events(0, 100);
    expect(log?.events.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: "step.stopping", step: "left" }),
    );
    await poolOf(place).presence();
    expect(release).not.toHaveBeenCalled();
    expect(control.messages("lease.revoke")).toEqual([]);
  });
});
