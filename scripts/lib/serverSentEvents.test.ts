import { expect, test } from "vitest";
import { type ServerSentEvent, serverSentEvents } from "./serverSentEvents.ts";

const TEXT = `: hello

id: 1
event: output
data: {"text":"ü"}

data: two
data: lines

`;

function streamOf(parts: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

test("events come out whole, wherever the bytes are cut", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const events: ServerSentEvent[] = [];
    const body = streamOf([bytes.slice(0, cut), bytes.slice(cut)]);
    for await (const event of serverSentEvents(body)) events.push(event);
    expect(events).toEqual([
      { id: "1", event: "output", data: '{"text":"ü"}' },
      { id: "", event: "message", data: "two\nlines" },
    ]);
  }
});
