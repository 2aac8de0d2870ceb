import { describe, expect, it } from "vitest";
import { encodeChunk } from "#protocol/chunk.ts";
import { encodeOutputFrame, type StreamMessage, viewerMessageSchema } from "#protocol/viewer.ts";
import type { LiveSocketHandlers } from "./liveSocket.ts";
import { ViewerStream } from "./viewerStream.ts";

/** Viewers do not look at checksums: the coordinator has. */
const unchecked = () => 0;

/** The far end of the stream: what was sent to it, and what it says. */
function fakeServer() {
  const sent: unknown[] = [];
  const counts = { reconnects: 0, closed: false };
  let handlers: LiveSocketHandlers | undefined;
  return {
    sent,
    counts,
    connect: (given: LiveSocketHandlers) => {
      handlers = given;
      return {
        send: (text: string) => void sent.push(viewerMessageSchema.parse(JSON.parse(text))),
        reconnect: () => void counts.reconnects++,
        close: () => {
          counts.closed = true;
        },
      };
    },
    open: () => handlers?.onOpen?.(),
    say: (message: StreamMessage) => handlers?.onText(JSON.stringify(message)),
    raw: (text: string) => handlers?.onText(text),
    bytes: (bytes: Uint8Array) => handlers?.onBinary?.(bytes),
    output: (seq: number, payload = new Uint8Array([65])) =>
      handlers?.onBinary?.(
        encodeOutputFrame(
          { seq, position: 0, line: 0 },
          encodeChunk({ step: "s", attempt: 1, stream: "stdout", offset: 0, time: 0, payload }, unchecked),
        ),
      ),
  };
}

function viewer(after = 0) {
  const server = fakeServer();
  const seen: number[] = [];
  const statuses: string[] = [];
  const stream = new ViewerStream(after, server.connect, {
    onEvent: ({ seq }) => void seen.push(seq),
    onView: () => {},
    onOutput: ({ seq }) => void seen.push(seq),
    onStatus: (status) => void statuses.push(status),
  });
  return { server, seen, statuses, stream };
}

const event = (seq: number): StreamMessage => ({
  type: "event",
  seq,
  time: "2026-01-01T00:00:00.000Z",
  event: { type: "step.skipped", step: "s", reason: "r" },
});

describe("viewer stream", () => {
  it("[VW1] asks for what comes after the last it saw, on every connection", () => {
    const { server, seen } = viewer(3);
    server.open();
    expect(server.sent.at(-1)).toMatchObject({ type: "subscribe", after: 3 });
    server.say(event(4));
    server.output(5);
    server.open();
    expect(server.sent.at(-1)).toMatchObject({ type: "subscribe", after: 5 });
    expect(seen).toEqual([4, 5]);
  });

  it("[VW1] drops what comes twice", () => {
    const { server, seen } = viewer();
    server.open();
    server.say(event(1));
    server.output(2);
    server.output(2);
    server.say(event(1));
    server.say(event(3));
    expect(seen).toEqual([1, 2, 3]);
  });

  it("[VW2] says that it has come past a mark", () => {
    const { server } = viewer();
    server.open();
    server.say({ type: "mark", mark: "here" });
    expect(server.sent.at(-1)).toEqual({ type: "seen", mark: "here" });
  });

  it("[VW3] ends with the terminal frame", () => {
    const { server, statuses } = viewer();
    server.open();
    server.say({ type: "end", seq: 9 });
    expect(statuses.at(-1)).toBe("ended");
    expect(server.counts.closed).toBe(true);
  });

  it("connects anew when the other end talks nonsense", () => {
    const { server, seen } = viewer();
    server.open();
    server.raw("<html>");
    server.raw('{"type":"event","seq":"one"}');
    server.bytes(new Uint8Array([1, 2, 3]));
    expect(server.counts.reconnects).toBe(3);
    expect(seen).toEqual([]);
  });
});
