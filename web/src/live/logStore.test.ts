import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Stream } from "#protocol/chunk.ts";
import { LINE_SHOWN_MAX } from "./logLine.ts";
import { LogStore, type PlacedChunk } from "./logStore.ts";

const utf8 = new TextEncoder();
const now = (run: () => void) => run();

/** Cuts output into chunks with the positions the server would give them. */
function place(parts: ReadonlyArray<readonly [Stream, string | Uint8Array]>): PlacedChunk[] {
  let position = 0;
  let line = 0;
  return parts.map(([stream, part]) => {
    const payload = typeof part === "string" ? utf8.encode(part) : part;
    const chunk = { position, line, stream, payload };
    position += payload.length;
    line += payload.filter((byte) => byte === 10).length;
    return chunk;
  });
}

const out = (...parts: (string | Uint8Array)[]) => place(parts.map((part) => ["stdout", part] as const));

function filled(chunks: PlacedChunk[], heldMax?: number): LogStore {
  const store = new LogStore(now, heldMax);
  for (const chunk of chunks) store.add(chunk);
  return store;
}

function text(store: LogStore, number: number): string | undefined {
  return store
    .line(number)
    ?.spans.map((span) => span.text)
    .join("");
}

function all(store: LogStore): (string | undefined)[] {
  return Array.from({ length: store.lineCount }, (_, number) => text(store, number));
}

describe("lines", () => {
  it("joins a line from the chunks it was cut into", () => {
    expect(all(filled(out("one\ntw", "o\nth", "", "ree")))).toEqual(["one", "two", "three"]);
  });

  it("has no row after a final line feed, and one for an unfinished line", () => {
    expect(filled(out("a\n")).lineCount).toBe(1);
    expect(filled(out("a\nb")).lineCount).toBe(2);
    expect(filled([]).lineCount).toBe(0);
  });

  it("keeps both streams in the order of the log, each marked", () => {
    const store = filled(
      place([
        ["stdout", "out "],
        ["stderr", "err\n"],
        ["stdout", "more"],
      ]),
    );
    expect(store.line(0)?.spans.map(({ text, stream }) => [stream, text])).toEqual([
      ["stdout", "out "],
      ["stderr", "err"],
    ]);
    expect(text(store, 1)).toBe("more");
  });

  it("decodes characters cut in two, per stream", () => {
    const euro = utf8.encode("€");
    const store = filled(
      place([
        ["stdout", euro.slice(0, 1)],
        ["stderr", "!"],
        ["stdout", euro.slice(1)],
      ]),
    );
    expect(text(store, 0)).toBe("!€");
  });

  it("shows invalid bytes and NULs without failing", () => {
    const store = filled(
      out(new Uint8Array([0x61, 0xff, 0xfe, 0, 0xc3, 0x28, 0xe2, 0x82, 0x0a, 0x62, 0xf0, 0x9f])),
    );
    expect(text(store, 0)).toBe("a\ufffd\ufffd\ufffd(\ufffd");
    expect(text(store, 1)).toBe("b");
    store.end();
    expect(text(store, 1)).toBe("b\ufffd");
  });

  it("carries colour over chunks, each stream its own", () => {
    const store = filled(
      place([
        ["stdout", "\u001b[31mred"],
        ["stderr", " plain "],
        ["stdout", "red again"],
      ]),
    );
    expect(store.line(0)?.spans.map((span) => span.style.foreground)).toEqual([1, undefined, 1]);
  });

  it("shows the start of a very long line and says how much is left out", () => {
    const store = filled(out(...Array.from({ length: 8 }, () => "x".repeat(256 * 1024)), "\nnext"));
    const line = store.line(0);
    expect(line?.spans.reduce((sum, span) => sum + span.text.length, 0)).toBe(LINE_SHOWN_MAX);
    expect(line?.hidden).toBeGreaterThan(0);
    expect(text(store, 1)).toBe("next");
  });

  it("shows the last state of progress that fills many chunks", () => {
    const parts = Array.from({ length: 40 }, (_, i) => `\rstep ${i} `.repeat(1000));
    expect(text(filled(out(...parts)), 0)).toBe("step 39 ");
  });

  it("is the same however it was cut, coloured and mixed", () => {
    const token = fc.constantFrom(
      "a",
      "€",
      "\n",
      "\r",
      "\u001b[32m",
      "\u001b[0m",
      "😀",
      "\u001b]0;t\u0007",
      "bc",
    );
    fc.assert(
      fc.property(
        fc.array(token, { maxLength: 40 }),
        fc.array(fc.nat(), { maxLength: 10 }),
        (tokens, cuts) => {
          const bytes = utf8.encode(tokens.join(""));
          const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
          const parts = at.slice(1).map((end, i) => bytes.slice(at[i], end));
          const whole = filled(out(bytes));
          expect(all(filled(out(...parts)))).toEqual(all(whole));
        },
      ),
    );
  });
});

describe("gaps", () => {
  const chunks = out("l0\nl1\n", "l2\nl", "3\nl4\n", "l5\nl6");

  it("a line is there only with its beginning", () => {
    const store = filled(chunks.slice(2));
    expect(store.lineCount).toBe(7);
    expect(all(store)).toEqual([undefined, undefined, undefined, undefined, "l4", "l5", "l6"]);
  });

  it("says what to ask for, nearest row first", () => {
    const store = filled([chunks[0], chunks[3]] as PlacedChunk[]);
    expect(store.missing(0, 2)).toBeUndefined();
    expect(store.missing(0, 7)).toEqual({ line: 2, ask: 2 });
    expect(store.missing(5, 7)).toEqual({ line: 5, ask: 4 });
    store.settle(5);
    expect(store.missing(5, 7)).toBeUndefined();
  });

  it("asks for a line whose end has not come", () => {
    const store = filled([chunks[0], chunks[1], chunks[3]] as PlacedChunk[]);
    expect(store.missing(3, 4)).toEqual({ line: 3, ask: 3 });
  });

  it("knows of output that was never here", () => {
    const store = filled([]);
    store.setExtent(14, 4);
    expect(store.lineCount).toBe(5);
    expect(store.missing(0, 5)).toEqual({ line: 0, ask: 0 });
    expect(store.missing(4, 5)).toEqual({ line: 4, ask: 3 });
  });

  it("[G8] is whole and without repeats in whatever order and however often chunks come", () => {
    const order = fc.shuffledSubarray(chunks, { minLength: chunks.length });
    const whole = all(filled(chunks));
    fc.assert(
      fc.property(order, order, (first, second) => {
        expect(all(filled([...first, ...second]))).toEqual(whole);
      }),
    );
  });

  it("corrects colours behind a gap once it is filled", () => {
    const coloured = out("\u001b[31mred\n", "middle\n", "end\n", "last");
    const store = filled([coloured[0], coloured[2], coloured[3]] as PlacedChunk[]);
    expect(store.line(3)?.spans[0]?.style.foreground).toBeUndefined();
    store.add(coloured[1] as PlacedChunk);
    expect([1, 2, 3].map((n) => store.line(n)?.spans[0]?.style.foreground)).toEqual([1, 1, 1]);
  });
});

describe("memory", () => {
  it("drops what is far from the reader, keeps the live end, and can be filled again", () => {
    const chunks = out(...Array.from({ length: 100 }, (_, i) => `line ${i} ${"x".repeat(1000)}\n`));
    const store = new LogStore(now, 10_000);
    store.lookAt(99);
    for (const chunk of chunks) store.add(chunk);
    expect(text(store, 99)).toContain("line 99");
    expect(store.line(0)).toBeUndefined();
    store.lookAt(0);
    for (const chunk of chunks.slice(0, 5)) store.add(chunk);
    expect(text(store, 0)).toContain("line 0");
    expect(store.lineCount).toBe(100);
    store.add({ position: store.bytes, line: 100, stream: "stdout", payload: utf8.encode("live\n") });
    expect(store.lineCount).toBe(101);
  });

  it("takes 100,000 lines", () => {
    const payload = utf8.encode(`${"y".repeat(99)}\n`.repeat(1_000));
    const store = new LogStore(() => {});
    for (let i = 0; i < 100; i++) {
      store.add({ position: i * payload.length, line: i * 1_000, stream: "stdout", payload });
    }
    expect(store.lineCount).toBe(100_000);
    expect(text(store, 99_999)).toHaveLength(99);
  });
});
