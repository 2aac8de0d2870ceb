/**
 * What stands between a socket and those who speak over it: the dialer makes a
 * `Socket`, the reconcile loop keeps it and hands it on as a `Link`, a `Session`
 * understands its messages.
 */
import type { Ending } from "./backoff.ts";

/** An open socket, as the sessions see it. */
export interface Link {
  send(frame: string | Uint8Array, sent?: () => void): void;
  /** Bytes handed over and not yet taken by the operating system. */
  readonly buffered: number;
  close(code: number, reason: string): void;
  terminate(): void;
  /** The far end welcomed us: the next reconnect starts from a short pause again. */
  settle(): void;
  /** Calls back once all that was sent so far has arrived or is lost; never when the connection ends before. */
  ask(arrived: () => void): void;
}

/** The side of a socket that understands its messages. */
export interface Session {
  /** Path that is dialed. */
  readonly path: string;
  opened(link: Link): void;
  /** One text frame. A returned reason means it is not of the protocol; the socket is then closed. */
  received(frame: string): string | undefined;
  /** Not connected any more, or the try failed. `heardAt` is monotonic, of the last sign of life. */
  lost(ending: Ending, heardAt: number | undefined): void;
}

export interface DialEvents {
  opened(socket: Socket): void;
  received(frame: string): void;
  ended(ending: Ending): void;
}

/** What a dial hands over when it succeeds. */
export type Socket = Omit<Link, "settle" | "ask">;

/** Starts to connect; exactly one `ended` follows, whatever happens. The returned function gives up. */
export type Dial = (path: string, events: DialEvents) => () => void;
