import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { decodeOutputFrame } from "#protocol/viewer.ts";
import { Follower } from "../../worker/execution/follower.ts";
import { serveHttp } from "../../worker/execution/http.ts";
import { ExecutionStore } from "../../worker/execution/store.ts";
import { read, running } from "./scene.ts";
import { Attempt, command, coordinatorOf, openViewer } from "./scriptedAgent.ts";

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

  it("[OT1] asks again for nothing of the steps that have ended", async () => {
    const { data, attempt, lease } = await running([command("a"), command("b")]);
    data.send(attempt.chunk("whole\n"));
    data.send(attempt.finished());
    await data.next("step.start");
    const b = new Attempt("b", lease.fence);
    data.send(b.started());
    data.send(b.chunk("torn").subarray(0, 20));
    await data.next("output.resend", 2);
    expect(data.messages("output.resend").map(({ step }) => step)).toEqual(["b", "b"]);
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

  it("[OT4] [VW1] [G11] uses no place in the log twice, so that a viewer misses nothing of what was sent again", async () => {
    const { place, execution, data, attempt } = await running();
    const stub = coordinatorOf(place, execution.executionId);
    data.send(attempt.chunk("wrong\n"));
    await data.next("output.ack");
    const { head } = (await stub.events(0, 1)) ?? { head: 0 };
    const right = new Attempt("a", 1);
    const again = right.chunk("right\n");
    data.send(right.finished());
    await data.next("output.resend");
    await evictDurableObject(stub);
    data.send(again);
    await data.next("output.ack", 2);
    const viewer = await openViewer(place, execution.executionId);
    viewer.send({ type: "subscribe", after: head, output: { mode: "all" } });
    data.send(right.finished());
    await viewer.end();
    const [frame] = viewer.frames.filter((each) => each instanceof ArrayBuffer);
    if (!frame) throw new Error("the viewer got no output");
    const { seq, position, chunk } = decodeOutputFrame(new Uint8Array(frame));
    expect([new TextDecoder().decode(chunk.payload), position]).toEqual(["right\n", 0]);
    expect(seq).toBeGreaterThan(head);
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

  it("refuses to serve a log that is damaged, instead of making up where its bytes belong", async () => {
    const { place, execution, data, attempt } = await running();
    data.send(attempt.chunk("one\n"));
    data.send(attempt.chunk("two\n"));
    await data.next("output.ack", 2);
    const stub = coordinatorOf(place, execution.executionId);
    await runInDurableObject(stub, (_, { storage }) => {
      storage.sql.exec("UPDATE log SET position = 'four' WHERE offset = 4");
    });
    expect((await stub.fetch("https://object/steps/a/chunks")).status).toBe(500);
  });

  it("counts an answer as being read no longer than it is, also when the log turns out to be damaged", async () => {
    const { place, execution, data, attempt } = await running();
    data.send(attempt.chunk("one\n"));
    await data.next("output.ack");
    await runInDurableObject(coordinatorOf(place, execution.executionId), async (_, { storage }) => {
      storage.sql.exec("UPDATE log SET stream = 'neither' WHERE offset = 0");
      const store = new ExecutionStore(storage);
      const told: number[] = [];
      const answer = serveHttp(new Request("https://object/output.txt"), {
        executionId: execution.executionId,
        store,
        follower: new Follower(store, () => true),
        attemptOf: () => 1,
        reading: (change) => told.push(change),
        streaming: () => () => {},
      });
      await expect(answer.text()).rejects.toThrow("damaged");
      expect(told).toEqual([1, -1]);
    });
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
