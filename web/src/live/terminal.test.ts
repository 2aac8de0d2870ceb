import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineBuilder } from "./logLine.ts";
import { parseTerminal, TERMINAL_START } from "./terminal.ts";

/** The text of every line after its chunks are joined again. */
function lines(...chunks: string[]): string[] {
  let state = TERMINAL_START;
  const builders = [new LineBuilder()];
  for (const chunk of chunks) {
    const parsed = parseTerminal(chunk, state);
    state = parsed.state;
    parsed.pieces.forEach((piece, index) => {
      if (index > 0) builders.push(new LineBuilder());
      builders.at(-1)?.add(piece, "stdout");
    });
  }
  return builders.map((builder) =>
    builder
      .build(0)
      .spans.map((span) => span.text)
      .join(""),
  );
}

const E = "\u001b";

describe("[S11] what a terminal payload becomes", () => {
  it.each([
    ["an OSC 8 link", `${E}]8;;http://evil.example${E}\\click${E}]8;;${E}\\`, "click"],
    ["an OSC 52 clipboard write", `a${E}]52;c;cm0gLXJmIC8=\u0007b`, "ab"],
    ["a window title", `${E}]0;owned\u0007text`, "text"],
    ["a DCS string", `a${E}Pq#0;2;0;0;0${E}\\b`, "ab"],
    ["SOS, PM and APC strings", `a${E}Xone${E}\\b${E}^two${E}\\c${E}_three${E}\\d`, "abcd"],
    ["cursor moves and erasing", `a${E}[2J${E}[H${E}[1A${E}[?25lb${E}[K`, "ab"],
    ["a charset designation", `${E}(Ba${E}#8b`, "ab"],
    ["a device query", `a${E}[c${E}[6n${E}Zb`, "ab"],
    ["eight-bit CSI and OSC", "a\u009b31mb\u009d0;title\u009cc", "abc"],
    ["bidi overrides and isolates", "user\u202enimda\u2066x\u2069\u200f\u061c", "usernimdax"],
    ["line and paragraph separators", "a\u2028b\u2029c", "abc"],
    ["bell, backspace, NUL, delete", "a\u0007b\bc\0d\u007fe", "abcde"],
    ["a sequence given up", `a${E}[31\u0018b`, "ab"],
    ["an escape inside a sequence", `a${E}[3${E}[1mb`, "ab"],
    ["a very long sequence", `a${E}[${"1;".repeat(10_000)}mb`, "ab"],
    ["markup", "<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
    ["a tab", "a\tb", "a\tb"],
  ])("%s", (_name, payload, text) => {
    expect(lines(payload)).toEqual([text]);
    // Cut in two at every place, it is the same.
    for (let cut = 1; cut < Math.min(payload.length, 80); cut++) {
      expect(lines(payload.slice(0, cut), payload.slice(cut))).toEqual([text]);
    }
  });

  it("never leaves a control or reordering character, whatever comes", () => {
    const hostile = fc.string({
      unit: fc.constantFrom(
        E,
        "[",
        "]",
        "P",
        ";",
        "m",
        "8",
        "\u0007",
        "\\",
        "\u009b",
        "\r",
        "\n",
        "\u202e",
        "a",
      ),
      maxLength: 60,
    });
    fc.assert(
      fc.property(hostile, hostile, (a, b) => {
        for (const line of lines(a, b)) {
          expect(line).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069\u200e\u200f\u2028\u2029]/u);
        }
      }),
    );
  });

  it("an unterminated sequence does not swallow the lines after it", () => {
    expect(lines(`a${E}]0;never ended\nb\n${E}[31`, "\nc")).toEqual(["a", "b", "", "c"]);
  });
});

describe("carriage returns", () => {
  it.each([
    ["progress shows its last state", ["10%\r50%\r100%\n"], ["100%", ""]],
    ["CRLF is a line end", ["one\r\ntwo\r\n"], ["one", "two", ""]],
    ["a return at the end keeps the line", ["100%\r"], ["100%"]],
    ["the next text replaces it, chunks later", ["100%\r", "", "200%"], ["200%"]],
    ["CR and LF in different chunks", ["one\r", "\ntwo"], ["one", "two"]],
    ["a return after an erase", [`50%${E}[2K\r${E}[1mdone`], ["done"]],
  ])("%s", (_name, chunks, expected) => {
    expect(lines(...chunks)).toEqual(expected);
  });
});

it("a colour goes on over lines and chunks until it is reset", () => {
  const first = parseTerminal(`${E}[3`, TERMINAL_START);
  const second = parseTerminal(`1mred\nstill red${E}[0m plain`, first.state);
  expect(second.pieces.map((piece) => piece.spans)).toEqual([
    [{ text: "red", style: { foreground: 1 } }],
    [
      { text: "still red", style: { foreground: 1 } },
      { text: " plain", style: {} },
    ],
  ]);
});
