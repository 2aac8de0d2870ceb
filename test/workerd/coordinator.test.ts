import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Execution } from "#protocol/api/executions.ts";
import {
  CANCEL_GRACE_MS,
  COMMAND_RESEND_MS,
  HEARTBEAT_TIMEOUT_MS,
  VIEWER_WINDOW_BYTES,
  VIEWERS_MAX,
} from "#protocol/limits.ts";
import { decodeOutputFrame } from "#protocol/viewer.ts";
import type { CreateExecution } from "../../worker/execution/contract.ts";
import { CONFIRM_MARGIN_MS } from "../../worker/execution/engine/deadlines.ts";
import {
  Attempt,
  acceptOffer,
  command,
  connectAgent,
  coordinatorOf,
  type Line,
  newExecution,
  newPlace,
  openData,
  openViewer,
  type Place,
} from "./scriptedAgent.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** Moves the clock and lets the alarm ring, as the platform would. */
async function later(scene: Scene, ms: number): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
  await runDurableObjectAlarm(coordinatorOf(scene.place, scene.execution.executionId));
}

interface Scene {
  place: Place;
  execution: CreateExecution;
  control: Line;
  data: Line;
  attempt: Attempt;
  lease: { id: string; executionId: string; fence: number };
}

/** An execution whose first step runs on a scripted agent. */
async function running(blocks = [command("a")]): Promise<Scene> {
  const place = newPlace();
  const control = await connectAgent(place);
  const execution = await newExecution(place, blocks);
  await coordinatorOf(place, execution.executionId).create(execution);
  const { lease, firstStep } = await acceptOffer(control);
  const data = await openData(place, execution.executionId);
  const attempt = new Attempt(firstStep.step, lease.fence);
  data.send(attempt.hello(lease));
  await data.next("welcome");
  data.send(attempt.started());
  return { place, execution, control, data, attempt, lease };
}

async function read({ place, execution }: Pick<Scene, "place" | "execution">): Promise<Execution> {
  const found = await coordinatorOf(place, execution.executionId).read();
  if (!found) throw new Error("no such execution");
  return found;
}

function outputOf(viewer: Line): string {
  const frames = viewer.frames.filter((frame) => frame instanceof ArrayBuffer);
  const payloads = frames.map((frame) => decodeOutputFrame(new Uint8Array(frame)).chunk.payload);
  return payloads.map((payload) => new TextDecoder().decode(payload)).join("");
}

function subscribe(viewer: Line, after = 0, output: object = { mode: "all" }): void {
  viewer.send({ type: "subscribe", after, output });
}

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

describe("output", () => {
  it("[OT3] asks for what is missing, drops what it has, and stores every byte once", async () => {
    const { place, execution, data, attempt } = await running();
    const [one, two, three] = ["one\n", "two\n", "three\n"].map((text) => attempt.chunk(text));
    if (!one || !two || !three) throw new Error("unreachable");
    data.send(one);
    await data.next("output.ack");
    data.send(three);
    expect(await data.next("output.resend")).toMatchObject({ stream: "stdout", from: 4 });
    data.send(one);
    data.send(two);
    data.send(three);
    await data.until(() => data.messages("output.ack").find((ack) => ack.held === 14));
    const answer = await coordinatorOf(place, execution.executionId).fetch("https://object/output.txt");
    expect(await answer.text()).toBe("one\ntwo\nthree\n");
  });

  it("[OT1] asks again for a chunk whose checksum does not fit", async () => {
    const { data, attempt } = await running();
    const chunk = attempt.chunk("precious");
    const broken = chunk.slice();
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
    data.send(broken);
    expect(await data.next("output.resend")).toMatchObject({ from: 0 });
    data.send(chunk);
    expect(await data.next("output.ack")).toMatchObject({ held: 8 });
  });

  it("[OT4] [G3] takes a result only when all of its output is here and matches", async () => {
    const scene = await running();
    const { data, attempt } = scene;
    const chunk = attempt.chunk("late bytes");
    data.send(attempt.finished());
    expect(await data.next("output.resend")).toMatchObject({ from: 0 });
    expect((await read(scene)).state).toBe("running");
    data.send(chunk);
    await data.next("step.recorded");
    expect((await read(scene)).state).toBe("succeeded");
  });

  it("[OT4] asks for a gap once, however much comes after it", async () => {
    const { data, attempt } = await running();
    const parts = Array.from({ length: 20 }, (_, i) => attempt.chunk(`part ${i}\n`));
    const [first, ...others] = parts;
    data.send(attempt.finished());
    await data.next("output.resend");
    if (first) data.send(first);
    for (const part of others.slice(0, -1)) data.send(part);
    await data.next("output.ack", 19);
    expect(data.messages("output.resend")).toHaveLength(1);
    for (const part of others.slice(-1)) data.send(part);
    await data.next("step.recorded");
  });

  it("[OT4] has both streams in their places when they were sent again", async () => {
    const { place, execution, data, attempt } = await running();
    const out = attempt.chunk("wrong\n");
    data.send(out);
    const error = attempt.chunk("error\n", "stderr");
    data.send(error);
    const finished = attempt.finished();
    const streams = structuredClone(finished.streams) as { stdout: { sha256: string } };
    const right = new Attempt("a", 1);
    const again = right.chunk("right\n");
    streams.stdout.sha256 = (right.finished().streams as typeof streams).stdout.sha256;
    data.send({ ...finished, streams });
    await data.next("output.resend", 2);
    data.send(again);
    data.send(right.chunk("error\n", "stderr"));
    data.send({ ...finished, streams });
    await data.next("step.recorded");
    const stub = coordinatorOf(place, execution.executionId);
    expect(await (await stub.fetch("https://object/steps/a/output?offset=6")).text()).toBe("error\n");
    expect(await (await stub.fetch("https://object/steps/a/output")).text()).toBe("right\nerror\n");
  });

  it("[OT4] asks for everything again when the digest does not match", async () => {
    const { data, attempt } = await running();
    data.send(attempt.chunk("abc"));
    const finished = attempt.finished();
    const streams = structuredClone(finished.streams) as { stdout: { sha256: string } };
    streams.stdout.sha256 = "0".repeat(64);
    data.send({ ...finished, streams });
    expect(await data.next("output.resend")).toMatchObject({ stream: "stdout", from: 0 });
  });

  it("keeps bytes that are no text, and serves them as they are", async () => {
    const { place, execution, data, attempt } = await running();
    const bytes = new Uint8Array([0, 255, 254, 10, 128]);
    data.send(attempt.chunk(bytes, "stderr"));
    await data.next("output.ack");
    const stub = coordinatorOf(place, execution.executionId);
    const raw = await stub.fetch("https://object/steps/a/output?stream=stderr");
    expect(new Uint8Array(await raw.arrayBuffer())).toEqual(bytes);
    expect(raw.headers.get("content-type")).toContain("text/plain");
    data.send(attempt.finished());
    await data.next("step.recorded");
    const events = await (await stub.fetch("https://object/events.sse")).text();
    expect(events).toContain('"base64":"AP/+CoA="');
  });

  it("serves one stream, ranges, and frames from a line on", async () => {
    const { place, execution, data, attempt } = await running();
    data.send(attempt.chunk("o1\no2\n"));
    data.send(attempt.chunk("e1\n", "stderr"));
    data.send(attempt.chunk("o3\n"));
    await data.next("output.ack", 3);
    const stub = coordinatorOf(place, execution.executionId);
    const text = async (query: string) => (await stub.fetch(`https://object/steps/a/output${query}`)).text();
    expect(await text("")).toBe("o1\no2\ne1\no3\n");
    expect(await text("?stream=stdout")).toBe("o1\no2\no3\n");
    expect(await text("?offset=3&limit=5")).toBe("o2\ne1");
    expect(await text("?stream=stdout&offset=3")).toBe("o2\no3\n");
    const frames = new Uint8Array(
      await (await stub.fetch("https://object/steps/a/chunks?line=3")).arrayBuffer(),
    );
    expect(decodeOutputFrame(frames)).toMatchObject({ line: 2, chunk: { stream: "stderr" } });
    expect((await stub.fetch("https://object/steps/nope/output")).status).toBe(404);
  });
});

describe("viewers", () => {
  it("[VW1] [VW3] [G8] replay from any sequence number without gap or repeat, then live to the end", async () => {
    const { place, execution, data, attempt } = await running();
    const early = await openViewer(place, execution.executionId);
    subscribe(early);
    for (let i = 0; i < 20; i++) data.send(attempt.chunk(`line ${i}\n`));
    data.send(attempt.finished());
    expect(await early.end()).toMatchObject({ code: 1000 });
    const all = early.frames.map(seqOf).filter((seq) => seq !== undefined);
    expect(all).toEqual(Array.from({ length: all.length }, (_, i) => i + 1));
    for (const after of [0, 3, 11, all.length - 1, all.length]) {
      const again = await openViewer(place, execution.executionId);
      subscribe(again, after);
      await again.end();
      expect(again.messages("end")).toHaveLength(1);
      expect(again.frames.map(seqOf).filter((seq) => seq !== undefined)).toEqual(all.slice(after));
    }
  });

  it("[VW2] [G15] get no more than their window while they do not read, and go on where they stopped when they do", async () => {
    const { place, execution, data, attempt } = await running();
    const viewer = await openViewer(place, execution.executionId);
    subscribe(viewer);
    const line = `${"x".repeat(199_999)}\n`;
    for (let i = 0; i < 30; i++) data.send(attempt.chunk(line));
    await data.next("output.ack", 30);
    const got = outputOf(viewer).length;
    expect(got).toBeLessThan(VIEWER_WINDOW_BYTES + 2 * line.length);
    expect(got).toBeGreaterThan(VIEWER_WINDOW_BYTES - 2 * line.length);
    const marks = viewer.messages("mark").map(({ mark }) => mark);
    viewer.send({ type: "seen", mark: marks.at(-1) });
    await viewer.until(() => outputOf(viewer).length === 30 * line.length);
  });

  it("[VW2] [G15] cannot say that they have read what they were not sent", async () => {
    const { place, execution } = await running();
    const viewer = await openViewer(place, execution.executionId);
    subscribe(viewer);
    viewer.send({ type: "seen", mark: crypto.randomUUID() });
    expect(await viewer.end()).toMatchObject({ code: 4400, reason: expect.stringContaining("no such mark") });
  });

  it("are refused with words when there are too many", async () => {
    const { place, execution } = await running();
    const viewers = await Promise.all(
      Array.from({ length: VIEWERS_MAX }, () => openViewer(place, execution.executionId)),
    );
    await expect(openViewer(place, execution.executionId)).rejects.toThrow("429");
    viewers[0]?.socket.close();
    await vi.waitFor(() => openViewer(place, execution.executionId));
  });

  it("get the tail of what is past and all of what comes", async () => {
    const { place, execution, data, attempt } = await running();
    for (let i = 0; i < 10; i++) data.send(attempt.chunk(`${i}`.repeat(100)));
    await data.next("output.ack", 10);
    const viewer = await openViewer(place, execution.executionId);
    subscribe(viewer, 0, { mode: "tail", bytes: 150 });
    data.send(attempt.chunk("live"));
    await viewer.until(() => outputOf(viewer).endsWith("live"));
    expect(outputOf(viewer)).toBe(`${"8".repeat(100)}${"9".repeat(100)}live`);
  });

  it("cannot have the log sent twice over one socket", async () => {
    const { place, execution } = await running();
    const viewer = await openViewer(place, execution.executionId);
    subscribe(viewer);
    subscribe(viewer);
    expect(await viewer.end()).toMatchObject({ code: 4400, reason: expect.stringContaining("already") });
  });

  it.each([["garbage"], ['{"type":"subscribe"}'], ['{"type":"seen","mark":"x"}'], [new Uint8Array([1, 2])]])(
    "are told what was wrong with a frame and let go: %s",
    async (frame) => {
      const { place, execution } = await running();
      const viewer = await openViewer(place, execution.executionId);
      viewer.send(frame);
      expect(await viewer.end()).toMatchObject({ code: 4400 });
      expect(viewer.messages("error")).toHaveLength(1);
    },
  );
});

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

  it("[CX1] are asked to stop, and what they report ends the execution", async () => {
    const scene = await running([command("a"), command("b")]);
    const { place, execution, data, attempt } = scene;
    const stub = coordinatorOf(place, execution.executionId);
    const actor = { type: "user", id: "usr_1", name: "Ada" } as const;
    const cancel = { type: "cancel", actor, reason: "enough", force: false } as const;
    expect(await stub.ask(cancel)).toMatchObject({ outcome: "accepted" });
    expect(await data.next("step.cancel")).toMatchObject({ step: "a", reason: "canceled" });
    data.send(attempt.finished({ type: "stopped", reason: "canceled", confirmed: true }));
    await data.next("lease.release");
    expect((await read(scene)).state).toBe("canceled");
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
    await vi.waitFor(async () => expect(await row()).toBe("succeeded"));
  });
});

function seqOf(frame: Line["frames"][number]): number | undefined {
  if (frame instanceof ArrayBuffer) return decodeOutputFrame(new Uint8Array(frame)).seq;
  return frame.type === "event" ? Number(frame.seq) : undefined;
}
