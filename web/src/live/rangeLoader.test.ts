import { describe, expect, it, vi } from "vitest";
import { encodeChunk } from "#protocol/chunk.ts";
import { encodeOutputFrame } from "#protocol/viewer.ts";
import { LogStore } from "./logStore.ts";
import { RangeLoader, type ReadRange } from "./rangeLoader.ts";

/** Viewers do not look at checksums: the coordinator has. */
const unchecked = () => 0;

const utf8 = new TextEncoder();
const now = (run: () => void) => run();
const LINES = 1_000;
const PER_CHUNK = 10;

/** A server with 1,000 lines in chunks of ten; answers about `bytes` from the chunk that holds the line. */
function server() {
  const frames: { line: number; frame: Uint8Array<ArrayBuffer> }[] = [];
  let position = 0;
  for (let line = 0; line < LINES; line += PER_CHUNK) {
    const payload = utf8.encode(Array.from({ length: PER_CHUNK }, (_, i) => `line ${line + i}\n`).join(""));
    const chunk = encodeChunk(
      { step: "s", attempt: 1, stream: "stdout", offset: position, time: 0, payload },
      unchecked,
    );
    frames.push({ line, frame: encodeOutputFrame({ seq: line + 1, position, line }, chunk) });
    position += payload.length;
  }
  const read = vi.fn<ReadRange>(async (line, bytes) => {
    const first = frames.findIndex((each) => each.line + PER_CHUNK > line);
    const answer: Uint8Array<ArrayBuffer>[] = [];
    for (let i = first, sum = 0; i < frames.length && sum < Math.min(bytes, 1_000); i++) {
      const { frame } = frames[i] as { frame: Uint8Array<ArrayBuffer> };
      answer.push(frame);
      sum += frame.length;
    }
    return new Uint8Array(await new Blob(answer).arrayBuffer());
  });
  return { read, bytes: position };
}

function loaderFor(read: ReadRange, bytes: number, attempt = 1) {
  const store = new LogStore(now);
  store.setExtent(bytes, LINES);
  return { store, loader: new RangeLoader(store, attempt, read, now) };
}

describe("reading by range", () => {
  it("brings what is on the screen, then what is around it, and stops", async () => {
    const { read, bytes } = server();
    const { store, loader } = loaderFor(read, bytes);
    loader.look(500, 520);
    await vi.waitFor(() => expect(store.missing(300, 720)).toBeUndefined());
    expect(store.line(505)?.spans[0]?.text).toBe("line 505");
    expect(read.mock.calls[0]?.[0]).toBe(500);
    const calls = read.mock.calls.length;
    loader.look(500, 520);
    expect(read.mock.calls.length).toBe(calls);
    expect(store.line(0)).toBeUndefined();
  });

  it("reads all of it for a copy", async () => {
    const { read, bytes } = server();
    const { store, loader } = loaderFor(read, bytes);
    await loader.readAll();
    expect(store.missing(0, Number.POSITIVE_INFINITY)).toBeUndefined();
    expect(store.lineCount).toBe(LINES);
  });

  it("says so when a range cannot be read, and goes on when asked to", async () => {
    const { read, bytes } = server();
    read.mockRejectedValueOnce(new Error("offline"));
    const { store, loader } = loaderFor(read, bytes);
    loader.look(0, 10);
    await vi.waitFor(() => expect(loader.getFailed()).toBe(true));
    loader.retry();
    await vi.waitFor(() => expect(store.line(5)).toBeDefined());
    expect(loader.getFailed()).toBe(false);
  });

  it("does not ask forever for what the server does not have", async () => {
    const read = vi.fn<ReadRange>(async () => new Uint8Array());
    const { store, loader } = loaderFor(read, 5_000);
    loader.look(0, 3);
    await vi.waitFor(() => expect(store.missing(0, 203)).toBeUndefined());
    const calls = read.mock.calls.length;
    loader.look(0, 3);
    expect(read.mock.calls.length).toBe(calls);
  });

  it("takes no output of another attempt: the step may run again while it is read", async () => {
    const { read, bytes } = server();
    const { store, loader } = loaderFor(read, bytes, 2);
    await expect(loader.readAll()).rejects.toThrow("another attempt");
    expect(store.line(5)).toBeUndefined();
  });

  it("stops reading everything when nobody waits for it any more, and can begin again", async () => {
    const { read, bytes } = server();
    const { store, loader } = loaderFor(read, bytes);
    const leave = new AbortController();
    const answer = read.getMockImplementation() as ReadRange;
    read.mockImplementation((line, size, signal) => {
      if (read.mock.calls.length === 3) leave.abort();
      return signal.aborted ? Promise.reject(signal.reason) : answer(line, size, signal);
    });
    await expect(loader.readAll(leave.signal)).rejects.toThrow("aborted");
    expect(read).toHaveBeenCalledTimes(3);
    await loader.readAll();
    expect(store.missing(0, Infinity)).toBeUndefined();
  });
});
