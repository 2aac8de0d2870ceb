import { describe, expect, it } from "vitest";
import { VIEWER_WINDOW_BYTES, VIEWERS_MAX } from "#protocol/limits.ts";
import { decodeOutputFrame } from "#protocol/viewer.ts";
import { eventually } from "./eventually.ts";
import { running } from "./scene.ts";
import { type Line, openViewer } from "./scriptedAgent.ts";

function outputOf(viewer: Line): string {
  const frames = viewer.frames.filter((frame) => frame instanceof ArrayBuffer);
  const payloads = frames.map((frame) => decodeOutputFrame(new Uint8Array(frame)).chunk.payload);
  return payloads.map((payload) => new TextDecoder().decode(payload)).join("");
}

function subscribe(viewer: Line, after = 0, output: object = { mode: "all" }): void {
  viewer.send({ type: "subscribe", after, output });
}

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
    await eventually(() => openViewer(place, execution.executionId));
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

function seqOf(frame: Line["frames"][number]): number | undefined {
  if (frame instanceof ArrayBuffer) return decodeOutputFrame(new Uint8Array(frame)).seq;
  return frame.type === "event" ? Number(frame.seq) : undefined;
}
