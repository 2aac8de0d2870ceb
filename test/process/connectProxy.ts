/** A small HTTP proxy that does what a test wants with CONNECT. Loopback only. */
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

export class ConnectProxy {
  /** Where it was asked to connect to, in order. */
  readonly targets: string[] = [];
  /** Addresses of hosts whose names nobody else knows. */
  readonly names = new Map<string, string>();
  readonly #server: Server = createServer();
  readonly #tunnels = new Set<Socket>();
  url = "";

  // What a test may change.
  /** Wants this as `user:password`. */
  credentials: string | undefined;
  /** Answers every CONNECT with this status line. */
  refusal: string | undefined;

  static async start(): Promise<ConnectProxy> {
    const proxy = new ConnectProxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    proxy.url = `http://127.0.0.1:${(proxy.#server.address() as AddressInfo).port}`;
    return proxy;
  }

  private constructor() {
    this.#server.on("connect", (request, client: Socket) => {
      client.on("error", () => {});
      const target = request.url ?? "";
      this.targets.push(target);
      const given = request.headers["proxy-authorization"];
      const wanted = this.credentials && `Basic ${Buffer.from(this.credentials).toString("base64")}`;
      if (wanted !== undefined && given !== wanted) {
        return void client.end(
          "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n",
        );
      }
      if (this.refusal) return void client.end(`HTTP/1.1 ${this.refusal}\r\ncontent-length: 0\r\n\r\n`);
      const { hostname, port } = new URL(`http://${target}`);
      const upstream = connect(Number(port), this.names.get(hostname) ?? hostname, () => {
        client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        upstream.pipe(client).pipe(upstream);
      });
      for (const [one, other] of [[client, upstream] as const, [upstream, client] as const]) {
        this.#tunnels.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          this.#tunnels.delete(one);
          other.destroy();
        });
      }
    });
  }

  /** Ends every tunnel, as proxies do with those that are idle for too long. */
  endTunnels(): void {
    for (const socket of this.#tunnels) socket.destroy();
  }

  async stop(): Promise<void> {
    this.endTunnels();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
