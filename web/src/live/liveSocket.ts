/**
 * A WebSocket to our own origin that comes back by itself: full-jitter backoff,
 * at once when the network or the tab returns, and a heartbeat that notices a
 * connection which died without a word (rule HS3).
 */
import ReconnectingWebSocket from "partysocket/ws";
import {
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_PING,
  HEARTBEAT_PONG,
  HEARTBEAT_TIMEOUT_MS,
} from "#protocol/limits.ts";

export type ConnectionStatus = "connecting" | "open" | "reconnecting" | "closed";

export interface LiveSocketHandlers {
  onOpen?(): void;
  onText(text: string): void;
  onBinary?(bytes: Uint8Array): void;
  onStatus(status: ConnectionStatus): void;
}

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 20_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** A connection that lasted this long was a good one: the next loss waits only the least. */
const STABLE_MS = 1_000;

export class LiveSocket {
  private readonly socket: ReconnectingWebSocket;
  private readonly handlers: LiveSocketHandlers;
  private readonly heartbeat: ReturnType<typeof setInterval>;
  private readonly stop = new AbortController();
  private lastHeard = performance.now();
  private wasOpen = false;

  /** `path` is absolute on this origin, e.g. `/api/v1/feed`. */
  constructor(path: string, handlers: LiveSocketHandlers) {
    this.handlers = handlers;
    this.socket = new ReconnectingWebSocket(`${location.origin.replace(/^http/, "ws")}${path}`, [], {
      minReconnectionDelay: RETRY_MIN_MS + Math.random() * RETRY_MIN_MS,
      maxReconnectionDelay: RETRY_MAX_MS / 2 + (Math.random() * RETRY_MAX_MS) / 2,
      reconnectionDelayGrowFactor: 1.7,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      minUptime: STABLE_MS,
      maxEnqueuedMessages: 0,
    });
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", () => this.opened());
    this.socket.addEventListener("close", () => this.dropped());
    this.socket.addEventListener("message", (event) => this.received(event.data));
    this.heartbeat = setInterval(() => this.beat(), HEARTBEAT_INTERVAL_MS);
    const { signal } = this.stop;
    window.addEventListener("online", () => this.hurry(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry(), { signal });
  }

  /** Sent when the socket is open, dropped when it is not: what matters is said again on open. */
  send(text: string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(text);
  }

  /** Drops the connection and makes a new one; for a peer that talks nonsense. */
  reconnect(): void {
    this.socket.reconnect();
  }

  close(): void {
    if (this.stop.signal.aborted) return;
    this.stop.abort();
    clearInterval(this.heartbeat);
    this.handlers.onStatus("closed");
    this.socket.close();
  }

  private opened(): void {
    this.wasOpen = true;
    this.lastHeard = performance.now();
    this.handlers.onStatus("open");
    this.handlers.onOpen?.();
  }

  private dropped(): void {
    if (!this.stop.signal.aborted) this.handlers.onStatus(this.wasOpen ? "reconnecting" : "connecting");
  }

  private received(data: unknown): void {
    this.lastHeard = performance.now();
    if (this.stop.signal.aborted || data === HEARTBEAT_PONG) return;
    if (typeof data === "string") this.handlers.onText(data);
    else if (data instanceof ArrayBuffer) this.handlers.onBinary?.(new Uint8Array(data));
  }

  private beat(): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (performance.now() - this.lastHeard > HEARTBEAT_TIMEOUT_MS) this.socket.reconnect();
    else this.socket.send(HEARTBEAT_PING);
  }

  private hurry(): void {
    if (this.socket.readyState === WebSocket.CLOSED) this.socket.reconnect();
    else this.beat();
  }
}
