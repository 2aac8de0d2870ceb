/**
 * Viewers over WebSockets: each has a place in the log and a window. Whoever is
 * caught up and reads gets a new row at once; everyone else is served from the
 * log when it says that it has read on, so a viewer that stopped reading costs
 * nothing. It says so by naming a mark that only the stream holds, so its word
 * is proof.
 */

import type { ExecutionEvent } from "#protocol/events.ts";
import { FRAME_MAX_BYTES, VIEWER_MARK_BYTES, VIEWER_WINDOW_BYTES } from "#protocol/limits.ts";
import { CLOSE_CODES, parseFrame } from "#protocol/socket.ts";
import { type ExecutionState, isExecutionTerminal } from "#protocol/states.ts";
import { type StreamMessage, type ViewerMessage, viewerMessageSchema } from "#protocol/viewer.ts";
import { type Socket, type ViewerSocket, viewerState } from "./sockets.ts";
import { type ExecutionStore, type HeldOutput, type LogRow, outputFrame } from "./store.ts";

const NORMAL_CLOSE = 1000;

/** Characters of steps after which a view goes on in another frame. */
const VIEW_LENGTH = 256 * 1024;

export interface ViewersDeps {
  store: ExecutionStore;
  executionState(): ExecutionState;
  /** The execution as it is now, with these of its steps. */
  view(steps: ReadonlySet<string>): Extract<StreamMessage, { type: "view" }>;
  /** About how many characters a step's part of a view has. */
  sizeOf(step: string): number;
  /** The steps that an event has changed something about. */
  touchedBy(event: ExecutionEvent): Iterable<string>;
  held(step: string, attempt: number): HeldOutput;
  sockets(): Iterable<Socket>;
}

export class Viewers {
  readonly #deps: ViewersDeps;

  constructor(deps: ViewersDeps) {
    this.#deps = deps;
  }

  connect(socket: Socket): void {
    socket.setState({ kind: "viewer", after: 0, unread: 0, marks: [], sinceMark: 0, headAtStart: 0 });
  }

  receive(socket: Socket, state: ViewerSocket, frame: string | ArrayBuffer): void {
    const parsed =
      typeof frame === "string" ? parseFrame(viewerMessageSchema, frame, FRAME_MAX_BYTES) : undefined;
    if (!parsed?.ok) return refuse(socket, parsed?.reason ?? "viewers send JSON text frames");
    const message = parsed.message;
    // Credit that was on its way when the stream ended.
    if (socket.readyState !== WebSocket.OPEN) return;
    switch (message.type) {
      case "subscribe":
        if (state.output) return refuse(socket, "this socket has subscribed already");
        return this.#subscribe(socket, state, message);
      case "seen":
        if (!state.output) return refuse(socket, "subscribe first");
        return this.#seen(socket, state, message.mark);
      default:
        message satisfies never;
    }
  }

  /** New rows of the log, in order. */
  publish(rows: readonly LogRow[]): void {
    const first = rows[0];
    if (!first) return;
    for (const socket of this.#deps.sockets()) {
      const state = viewerState(socket);
      if (!state?.output || isFull(state)) continue;
      // One that lags is in the middle of a backlog; the next pump reaches these rows.
      if (state.after === first.seq - 1) this.#serve(socket, state, rows);
      else this.#pump(socket, state);
    }
  }

  #subscribe(
    socket: Socket,
    state: ViewerSocket,
    message: Extract<ViewerMessage, { type: "subscribe" }>,
  ): void {
    const head = this.#deps.store.head;
    const ready: StreamMessage = { type: "ready", head, state: this.#deps.executionState() };
    socket.send(JSON.stringify(ready));
    const { output } = message;
    const after = Math.min(message.after, head);
    this.#pump(socket, { ...state, after, output, headAtStart: head });
  }

  /** It has read up to a mark, and so past all that were sent before it. */
  #seen(socket: Socket, state: ViewerSocket, mark: string): void {
    const place = state.marks.findIndex((each) => each.mark === mark);
    if (place === -1) return refuse(socket, "this stream sent no such mark");
    const read = state.marks.slice(0, place + 1).reduce((sum, { bytes }) => sum + bytes, 0);
    this.#pump(socket, { ...state, unread: state.unread - read, marks: state.marks.slice(place + 1) });
  }

  #pump(socket: Socket, state: ViewerSocket): void {
    this.#serve(socket, state, this.#deps.store.rowsAfter(state.after));
  }

  /** Sends rows while there is room in the window, and ends the stream after the terminal event (VW3). */
  #serve(socket: Socket, state: ViewerSocket, rows: Iterable<LogRow>): void {
    let ended = false;
    const touched = new Set<string>();
    /** Of the steps that are to be told, as JSON. */
    let length = 0;
    let isNews = false;
    for (const row of rows) {
      if (state.unread + length >= VIEWER_WINDOW_BYTES) break;
      const frame = this.#frame(state, row);
      if (frame !== undefined) sendFrame(socket, state, frame);
      state.after = row.seq;
      if (row.type === "event") {
        isNews = true;
        for (const step of this.#deps.touchedBy(row.event)) {
          if (!touched.has(step)) length += this.#deps.sizeOf(step);
          touched.add(step);
        }
      }
      ended = row.type === "event" && row.event.type === "execution.finished";
      if (ended) break;
    }
    // One that comes back after having seen everything is told so, too.
    ended ||= state.after >= this.#deps.store.head && isExecutionTerminal(this.#deps.executionState());
    if (isNews) this.#tell(socket, state, touched);
    socket.setState(state);
    if (!ended) return;
    const end: StreamMessage = { type: "end", seq: state.after };
    socket.send(JSON.stringify(end));
    socket.close(NORMAL_CLOSE, "the execution has ended");
  }

  /** How things stand, in as many frames as it takes: each replaces what was known of its steps. */
  #tell(socket: Socket, state: ViewerSocket, touched: ReadonlySet<string>): void {
    let part = new Set<string>();
    let length = 0;
    for (const step of touched) {
      part.add(step);
      length += this.#deps.sizeOf(step);
      if (length < VIEW_LENGTH) continue;
      sendFrame(socket, state, JSON.stringify(this.#deps.view(part)));
      part = new Set();
      length = 0;
    }
    if (part.size > 0 || touched.size === 0) sendFrame(socket, state, JSON.stringify(this.#deps.view(part)));
  }

  #frame(state: ViewerSocket, row: LogRow): string | Uint8Array<ArrayBuffer> | undefined {
    if (row.type === "event") {
      const { type, seq, time, event } = row;
      return JSON.stringify({ type, seq, time, event } satisfies StreamMessage);
    }
    if (state.output?.mode === "none") return undefined;
    if (state.output?.mode === "tail" && row.seq <= state.headAtStart) {
      const total = this.#deps.held(row.step, row.attempt).position;
      if (row.position + row.bytes <= total - state.output.bytes) return undefined;
    }
    return outputFrame(row);
  }
}

function isFull({ unread }: ViewerSocket): boolean {
  return unread >= VIEWER_WINDOW_BYTES;
}

/** Sends a frame and counts it; after every so many bytes a mark follows. */
function sendFrame(socket: Socket, state: ViewerSocket, frame: string | Uint8Array<ArrayBuffer>): void {
  socket.send(frame);
  state.unread += frame.length;
  state.sinceMark += frame.length;
  if (state.sinceMark < VIEWER_MARK_BYTES) return;
  const mark = crypto.randomUUID();
  socket.send(JSON.stringify({ type: "mark", mark } satisfies StreamMessage));
  state.marks = [...state.marks, { mark, bytes: state.sinceMark }];
  state.sinceMark = 0;
}

function refuse(socket: Socket, message: string): void {
  const error: StreamMessage = { type: "error", message };
  socket.send(JSON.stringify(error));
  socket.close(CLOSE_CODES.protocolError, message.slice(0, 120));
}
