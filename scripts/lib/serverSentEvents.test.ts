import { expect, test } from "vitest";
import { serverSentEvents } from "./serverSentEvents.ts";

const TEXT = `: hello

id: 1
event: output
data: {"text":"ü"}

data: two
data: lines

`;

test("events come out whole, wherever the bytes are cut", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const body = ReadableStream.from([bytes.slice(0, cut), bytes.slice(cut)]);
    expect(await Array.fromAsync(serverSentEvents(body))).toEqual([
      { id: "1", event: "output", data: '{"text":"ü"}' },
      { id: "", event: "message", data: "two\nlines" },
    ]);
  }
});
