/** Reads server-sent events off a response, as they arrive. */

export interface ServerSentEvent {
  id: string;
  event: string;
  data: string;
}

export async function* serverSentEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parseBlock(block);
      if (event) yield event;
    }
  }
}

/** Undefined for comments, which only keep the line open. */
function parseBlock(block: string): ServerSentEvent | undefined {
  const event: ServerSentEvent = { id: "", event: "message", data: "" };
  let found = false;
  for (const line of block.split("\n")) {
    const [, name, value = ""] = /^(id|event|data): ?(.*)$/s.exec(line) ?? [];
    if (name !== "id" && name !== "event" && name !== "data") continue;
    event[name] = name === "data" && event.data !== "" ? `${event.data}\n${value}` : value;
    found = true;
  }
  return found ? event : undefined;
}
