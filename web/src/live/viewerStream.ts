/**
 * The viewer's end of an execution's stream. Remembers the last sequence number
 * it has seen, asks for what comes after it on every connection (VW1), says which
 * marks it has come past (VW2), and ends with the terminal frame (VW3).
 * Sockets come in through `connect`, so it runs in tests without a browser.
 */
import { ChunkError } from "#protocol/chunk.ts";
import type { RecordedEvent } from "#protocol/events.ts";
import { parseFrame } from "#protocol/socket.ts";
import {
  decodeOutputFrame,
  type StreamMessage,
  streamMessageSchema,
  type ViewerMessage,
} from "#protocol/viewer.ts";
import type { ConnectionStatus, LiveSocketHandlers } from "./liveSocket.ts";

export type OutputFrame = ReturnType<typeof decodeOutputFrame>;
export type ViewMessage = Extract<StreamMessage, { type: "view" }>;

export interface ViewerHandlers {
  onEvent(event: RecordedEvent): void;
  onView(view: ViewMessage): void;
  onOutput(frame: OutputFrame): void;
  onStatus(status: ConnectionStatus | "ended"): void;
}

export interface Socket {
  send(text: string): void;
  reconnect(): void;
  close(): void;
}

export type Connect = (handlers: LiveSocketHandlers) => Socket;

/** Of output missed while away, about this much comes by itself; the rest is read when looked at. */
const TAIL_BYTES = 1024 * 1024;

export class ViewerStream {
  private readonly handlers: ViewerHandlers;
  private readonly socket: Socket;
  private seen: number;
  private over = false;

  /** `after`: what is known already, as the `head` of an execution that was read. */
  constructor(after: number, connect: Connect, handlers: ViewerHandlers) {
    this.seen = after;
    this.handlers = handlers;
    this.socket = connect({
      onOpen: () => this.subscribe(),
      onText: (text) => this.text(text),
      onBinary: (bytes) => this.binary(bytes),
      onStatus: (status) => this.over || handlers.onStatus(status),
    });
  }

  close(): void {
    this.over = true;
    this.socket.close();
  }

  private subscribe(): void {
    this.send({
      type: "subscribe",
      after: this.seen,
      output: { mode: "tail", bytes: TAIL_BYTES },
    });
  }

  private text(frame: string): void {
    const parsed = parseFrame(streamMessageSchema, frame);
    if (!parsed.ok) {
      this.socket.reconnect();
      return;
    }
    const { message } = parsed;
    switch (message.type) {
      case "ready":
        break;
      case "event":
        if (this.isNew(message.seq)) {
          this.handlers.onEvent({ seq: message.seq, time: message.time, event: message.event });
        }
        break;
      case "view":
        this.handlers.onView(message);
        break;
      case "mark":
        this.send({ type: "seen", mark: message.mark });
        break;
      case "end":
        this.over = true;
        this.handlers.onStatus("ended");
        this.socket.close();
        return;
      case "error":
        // The server closes after it; the next connection asks again from `seen`.
        return;
      default:
        message satisfies never;
    }
  }

  private binary(bytes: Uint8Array): void {
    const frame = decoded(bytes);
    if (!frame) {
      this.socket.reconnect();
      return;
    }
    if (this.isNew(frame.seq)) this.handlers.onOutput(frame);
  }

  private isNew(seq: number): boolean {
    if (seq <= this.seen) return false;
    this.seen = seq;
    return true;
  }

  private send(message: ViewerMessage): void {
    this.socket.send(JSON.stringify(message));
  }
}

/** Undefined when the bytes are not an output frame. */
function decoded(bytes: Uint8Array): OutputFrame | undefined {
  try {
    return decodeOutputFrame(bytes);
  } catch (error) {
    if (error instanceof ChunkError) return undefined;
    throw error;
  }
}
