/**
 * One stream of output across chunk boundaries: UTF-8 sequences and terminal
 * sequences that a chunk cuts in two are carried to the next one.
 */
import { wholeCharacters } from "#protocol/utf8.ts";
import {
  type Piece,
  parseTerminal,
  sameTerminalState,
  TERMINAL_START,
  type TerminalState,
} from "./terminal.ts";

export interface StreamState {
  /** The first bytes of a UTF-8 sequence whose rest is in the next chunk; at most 3. */
  readonly pending: Uint8Array;
  readonly terminal: TerminalState;
}

const NO_BYTES = new Uint8Array(0);
export const STREAM_START: StreamState = Object.freeze({ pending: NO_BYTES, terminal: TERMINAL_START });

const ESC = 0x1b;
/** In UTF-8 the C1 controls (another way to write ESC sequences) all begin with this byte. */
const C1_LEAD = 0xc2;

// `ignoreBOM` keeps U+FEFF as a character; invalid bytes become U+FFFD.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The pieces of the lines in a payload, and where the stream stands after it. */
export function parsePayload(
  payload: Uint8Array,
  before: StreamState,
): { pieces: Piece[]; after: StreamState } {
  const bytes = joined(before.pending, payload);
  const end = wholeCharacters(bytes);
  const { pieces, state } = parseTerminal(decoder.decode(bytes.subarray(0, end)), before.terminal);
  return { pieces, after: { pending: bytes.slice(end), terminal: state } };
}

/** Where the stream stands after a payload, without building its text where that can be told from the bytes. */
export function advance(payload: Uint8Array, before: StreamState): StreamState {
  const plain =
    before.pending.length === 0 &&
    before.terminal.mode === "text" &&
    !payload.includes(ESC) &&
    !payload.includes(C1_LEAD);
  if (!plain) return parsePayload(payload, before).after;
  const end = wholeCharacters(payload);
  return end === payload.length ? before : { pending: payload.slice(end), terminal: before.terminal };
}

export function sameStreamState(a: StreamState, b: StreamState): boolean {
  return (
    a === b ||
    (sameTerminalState(a.terminal, b.terminal) &&
      a.pending.length === b.pending.length &&
      a.pending.every((byte, index) => byte === b.pending[index]))
  );
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
