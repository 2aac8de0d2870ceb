/** What may stand between an agent and its control plane and speak HTTP itself: a portal, a gateway, a proxy with rules of its own. */
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, STATUS_CODES } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

/** Given in place of the control plane's answer. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

export class Middlebox {
  readonly url: string;
  /** When requests were answered in place of the control plane, monotonic ms. */
  readonly refusals: number[] = [];
  /** WebSockets that were let through. */
  sockets = 0;

  // What a test may change.
  /** Answers itself; undefined lets the request pass. */
  answer: (path: string) => Answer | undefined = () => undefined;
  /** Forwards requests for an upgrade without saying that they are. */
  stripsUpgrade = false;
  /** Ends connections on which nothing went either way for so long, ms. */
  idleMs: number | undefined;

  readonly #server: Server;
  readonly #target: number;
  readonly #open = new Set<Socket>();

  /** One in front of a port on loopback. */
  static async before(target: number): Promise<Middlebox> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Middlebox(server, target);
  }

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    this.url = `http://localhost:${(server.address() as AddressInfo).port}`;
    server.on("request", (incoming, outgoing) => {
      const answer = this.#refusal(incoming);
      if (answer) return void outgoing.writeHead(answer.status, answer.headers).end(answer.body);
      const { method, headers, url: path } = incoming;
      const onward = request({ host: "127.0.0.1", port: target, method, path, headers }, (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      });
      onward.on("error", () => outgoing.destroy());
      incoming.pipe(onward);
    });
    server.on("upgrade", (incoming, socket: Socket, head) => this.#upgrade(incoming, socket, head));
  }

  /** Lets everything through as it is. */
  heal(): void {
    this.answer = () => undefined;
    this.stripsUpgrade = false;
    this.idleMs = undefined;
  }

  /** Ends every socket that was let through. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  #refusal({ url = "/" }: IncomingMessage): Answer | undefined {
    const answer = this.answer(url);
    if (answer) this.refusals.push(performance.now());
    return answer;
  }

  #upgrade(incoming: IncomingMessage, near: Socket, head: Buffer): void {
    near.on("error", () => near.destroy());
    const answer = this.#refusal(incoming);
    if (answer) return void near.end(headOf(answer) + (answer.body ?? ""));
    const { method, url: path, rawHeaders } = incoming;
    const far = connect(this.#target, "127.0.0.1", () => {
      const pairs = rawHeaders.flatMap((name, index) =>
        index % 2 === 0 ? [[name, rawHeaders[index + 1]]] : [],
      );
      const kept = pairs.filter(
        ([name = ""]) => !this.stripsUpgrade || !/^(upgrade|connection)$/i.test(name),
      );
      far.write(`${method} ${path} HTTP/1.1\r\n${kept.map((pair) => pair.join(": ")).join("\r\n")}\r\n\r\n`);
      far.write(head);
      near.pipe(far).pipe(near);
    });
    if (!this.stripsUpgrade) this.sockets += 1;
    for (const [one, other] of [[near, far] as const, [far, near] as const]) {
      this.#open.add(one);
      if (this.idleMs !== undefined) one.setTimeout(this.idleMs, () => one.destroy());
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.#open.delete(one);
        other.destroy();
      });
    }
  }
}

function headOf({ status, headers = {}, body = "" }: Answer): string {
  const fields = { ...headers, "content-length": String(Buffer.byteLength(body)), connection: "close" };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n`;
}
