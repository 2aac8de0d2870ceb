/**
 * Terminal output as data: text in styled spans, nothing else. Colours and
 * weights are kept; every other control (links, clipboard, titles, cursor
 * moves, bidi overrides) is dropped, so that what is shown can only be text.
 *
 * A line feed always ends the line and any sequence it stands in: the server
 * counts lines by bytes, and an unterminated sequence must not swallow a log.
 */
import { applySgr, PLAIN, type Style, sameStyle } from "./style.ts";

export interface Span {
  readonly text: string;
  readonly style: Style;
}

/** What one chunk has of one line. */
export interface Piece {
  readonly spans: readonly Span[];
  /** A carriage return inside it threw away what stood before on the line. */
  readonly restarts: boolean;
  /** It ends in a carriage return: the next text on the line replaces it. */
  readonly returned: boolean;
}

type Mode = "text" | "escape" | "designate" | "csi" | "string" | "stringEscape";

/** Where the parser stands in one stream between two chunks. */
export interface TerminalState {
  readonly mode: Mode;
  /** The parameters of a sequence that is not complete yet. */
  readonly parameters: string;
  readonly style: Style;
}

export const TERMINAL_START: TerminalState = Object.freeze({ mode: "text", parameters: "", style: PLAIN });

const SEQUENCE_MAX = 256;
/** Invisible or reordering characters, and separators that would break a row in two. */
const FORBIDDEN = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/;
const CONTROLS = new RegExp(CONTROL.source, "g");

export function sameTerminalState(a: TerminalState, b: TerminalState): boolean {
  return a === b || (a.mode === b.mode && a.parameters === b.parameters && sameStyle(a.style, b.style));
}

/** Splits text into lines of spans; there is always one piece more than line feeds. */
export function parseTerminal(text: string, start: TerminalState): { pieces: Piece[]; state: TerminalState } {
  const pieces: Piece[] = [];
  let state = start;
  let from = 0;
  for (;;) {
    const feed = text.indexOf("\n", from);
    const line = text.slice(from, feed === -1 ? text.length : feed);
    const parsed = parseLine(line, state);
    pieces.push(parsed.piece);
    if (feed === -1) return { pieces, state: parsed.state };
    state = parsed.state.mode === "text" ? parsed.state : { ...TERMINAL_START, style: parsed.state.style };
    from = feed + 1;
  }
}

function parseLine(line: string, start: TerminalState): { piece: Piece; state: TerminalState } {
  if (start.mode === "text" && !CONTROL.test(line)) {
    const text = line.replace(FORBIDDEN, "");
    const spans = text === "" ? [] : [{ text, style: start.style }];
    return { piece: { spans, restarts: false, returned: false }, state: start };
  }
  const parser = new LineParser(start);
  parser.feed(line);
  return parser.finish();
}

/** Walks one line from control character to control character. */
class LineParser {
  private spans: Span[] = [];
  private restarts = false;
  private returned = false;
  private mode: Mode;
  private parameters: string;
  private style: Style;

  constructor(start: TerminalState) {
    this.mode = start.mode;
    this.parameters = start.parameters;
    this.style = start.style;
  }

  feed(line: string): void {
    let at = 0;
    while (at < line.length) {
      if (this.mode === "text") {
        CONTROLS.lastIndex = at;
        const next = CONTROLS.exec(line)?.index ?? line.length;
        this.write(line.slice(at, next));
        at = next;
        if (at < line.length) this.control(line[at] as string);
      } else {
        this.sequence(line[at] as string);
      }
      at++;
    }
  }

  finish(): { piece: Piece; state: TerminalState } {
    return {
      piece: { spans: this.spans, restarts: this.restarts, returned: this.returned },
      state: { mode: this.mode, parameters: this.parameters, style: this.style },
    };
  }

  private write(raw: string): void {
    const text = raw.replace(FORBIDDEN, "");
    if (text === "") return;
    if (this.returned) {
      this.spans = [];
      this.restarts = true;
      this.returned = false;
    }
    const last = this.spans.at(-1);
    if (last && sameStyle(last.style, this.style)) {
      this.spans[this.spans.length - 1] = { text: last.text + text, style: last.style };
    } else {
      this.spans.push({ text, style: this.style });
    }
  }

  private control(character: string): void {
    switch (character) {
      case "\r":
        this.returned = true;
        return;
      case "\u001b":
        this.enter("escape");
        return;
      case "\u009b":
        this.enter("csi");
        return;
      case "\u0090":
      case "\u0098":
      case "\u009d":
      case "\u009e":
      case "\u009f":
        this.enter("string");
    }
  }

  private enter(mode: Mode): void {
    this.mode = mode;
    this.parameters = "";
  }

  private sequence(character: string): void {
    // CAN and SUB give any sequence up; ESC begins a new one (or ends a string).
    if (character === "\u0018" || character === "\u001a") this.enter("text");
    else if (character === "\u001b") this.enter(this.mode === "string" ? "stringEscape" : "escape");
    else this.within(character);
  }

  private within(character: string): void {
    switch (this.mode) {
      case "escape":
        this.escape(character);
        break;
      case "designate":
        if (character >= "0" && character <= "~") this.enter("text");
        break;
      case "csi":
        this.csi(character);
        break;
      case "string":
        if (character === "\u0007" || character === "\u009c") this.enter("text");
        break;
      case "stringEscape":
        if (character === "\\") this.enter("text");
        else this.escape(character);
        break;
      case "text":
        break;
      default:
        this.mode satisfies never;
    }
  }

  private escape(character: string): void {
    if (character === "[") this.enter("csi");
    else if ("]PX^_".includes(character)) this.enter("string");
    else if (character >= " " && character <= "/") this.enter("designate");
    else this.enter("text");
  }

  private csi(character: string): void {
    if (character >= "@" && character <= "~") {
      if (character === "m" && /^[0-9:;]*$/.test(this.parameters)) {
        this.style = applySgr(this.style, this.parameters);
      }
      this.enter("text");
    } else if (this.parameters.length < SEQUENCE_MAX) {
      this.parameters += character;
    } else {
      // Beyond its bound a sequence is read on and comes to nothing.
      this.parameters = "!".repeat(SEQUENCE_MAX);
    }
  }
}
