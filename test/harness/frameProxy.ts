/** A network that mistreats single WebSocket frames; everything else passes. */
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type RawData, WebSocket, WebSocketServer } from "ws";

export interface Frame {
  /** `up` is from the agent or browser to the control plane. */
  direction: "up" | "down";
  /** Path of the socket. */
  path: string;
  data: Buffer;
  binary: boolean;
  /** The text, for frames that are not binary. */
  text: string;
}

export type Treatment =
  | "drop"
  /** Sent twice. */
  | "repeat"
  /** Held until the next frame of its direction, and sent after that. */
  | "reorder"
  /** One bit in its middle is flipped. */
  | "corrupt"
  /** The socket is cut off right before it. */
  | "cut";

export interface FrameRule {
  when(frame: Frame): boolean;
  treat: Treatment;
  /** How many frames it treats before it lets go; all when absent. */
  times?: number;
}

export class FrameProxy {
  readonly url: string;
  /** Frames that a rule was applied to. */
  readonly treated: Array<Frame & { treatment: Treatment }> = [];
  readonly #server: Server;
  readonly #target: number;
  readonly #accept: WebSocketServer;
  #rules: Array<FrameRule & { left: number }> = [];
  #listener: (frame: Frame) => void = () => {};

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    this.#accept = new WebSocketServer({
      noServer: true,
      handleProtocols: (names) => [...names][0] ?? false,
    });
    this.url = `http://localhost:${(server.address() as AddressInfo).port}`;
    server.on("request", (incoming, outgoing) => {
      const onward = request(this.#onward(incoming), (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on("error", () => outgoing.destroy());
      incoming.on("error", () => onward.destroy());
      incoming.pipe(onward);
    });
    server.on("upgrade", (incoming, socket, head) => this.#upgrade(incoming, socket, head));
  }

  /** A proxy to a port on loopback. */
  static async to(target: number): Promise<FrameProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FrameProxy(server, target);
  }

  /** From now on frames that fit are treated so; the first rule that fits wins. */
  add(rule: FrameRule): void {
    this.#rules.push({ ...rule, left: rule.times ?? Number.POSITIVE_INFINITY });
  }

  /** Has somebody told of every frame that comes, whatever is done to it then. */
  listen(listener: (frame: Frame) => void): void {
    this.#listener = listener;
  }

  /** Lets go of every rule. */
  clear(): void {
    this.#rules = [];
  }

  async close(): Promise<void> {
    for (const client of this.#accept.clients) client.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  #onward(incoming: IncomingMessage) {
    // The host stays what the client dialled: its assertions are made out to that.
    const { method, headers, url: path } = incoming;
    return { host: "127.0.0.1", port: this.#target, method, path, headers };
  }

  #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { headers, url: path = "/" } = incoming;
    const protocols = headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
    const kept = Object.entries(headers).filter(
      ([name]) => !/^(sec-websocket-|connection$|upgrade$)/.test(name),
    );
    const far = new WebSocket(`ws://127.0.0.1:${this.#target}${path}`, protocols, {
      headers: Object.fromEntries(kept) as Record<string, string>,
      perMessageDeflate: false,
    });
    far.on("unexpected-response", (onward, answer) => {
      const status = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n`;
      const fields = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.end(`${status}${fields.join("")}\r\n`);
      onward.destroy();
    });
    far.on("error", () => socket.destroy());
    // Reset in the middle of the handshake.
    socket.on("error", () => far.terminate());
    far.on("open", () => {
      this.#accept.handleUpgrade(incoming, socket, head, (near) => {
        this.#join(near, far, "up", path);
        this.#join(far, near, "down", path);
      });
    });
    // Whatever comes before the near side is there waits with the socket.
    far.pause();
    far.once("open", () => setImmediate(() => far.resume()));
  }

  #join(from: WebSocket, to: WebSocket, direction: Frame["direction"], path: string): void {
    let held: (() => void) | undefined;
    from.on("message", (raw: RawData, binary) => {
      const data = Buffer.isBuffer(raw)
        ? raw
        : Buffer.concat([raw].flat().map((part) => Buffer.from(part as Buffer)));
      const frame = { direction, path, data, binary, text: binary ? "" : data.toString("utf8") };
      const send = (bytes: Buffer) => to.readyState === WebSocket.OPEN && to.send(bytes, { binary });
      this.#listener(frame);
      const treatment = this.#treatmentFor(frame);
      if (treatment === "cut") return from.terminate();
      if (treatment === "reorder") {
        held = () => send(data);
        return;
      }
      if (treatment !== "drop") send(treatment === "corrupt" ? flipped(data) : data);
      if (treatment === "repeat") send(data);
      held?.();
      held = undefined;
    });
    from.on("error", () => to.terminate());
    from.on("close", (code, reason) => {
      // 1005 and 1006 say that there was no code, and may not be sent.
      if (code === 1005 || code === 1006) to.terminate();
      else to.close(code, reason);
    });
  }

  #treatmentFor(frame: Frame): Treatment | undefined {
    const rule = this.#rules.find((each) => each.left > 0 && each.when(frame));
    if (!rule) return undefined;
    rule.left -= 1;
    this.treated.push({ ...frame, treatment: rule.treat });
    return rule.treat;
  }
}

function flipped(data: Buffer): Buffer {
  const copy = Buffer.from(data);
  const middle = copy.length >> 1;
  copy.writeUInt8(copy.readUInt8(middle) ^ 1, middle);
  return copy;
}
