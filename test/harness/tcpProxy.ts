/** A bad network between two ends, on loopback: TCP bytes, late, slow, in slices, or not at all. */
import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { Watch } from "./watch.ts";

export interface NetworkFaults {
  /** Each way. */
  latencyMs: number;
  /** Each way; 0 for no limit. */
  bytesPerSecond: number;
  /** Bytes go in pieces of this size; 0 to leave them as they come. */
  sliceBytes: number;
  /** A connection is reset after this many bytes, both ways together; 0 for never. */
  cutAfterBytes: number;
  /**
   * Bytes stay where they are, connections stay open; lifted, everything goes on.
   * `up`: only what goes to the target; `down`: only what comes from it.
   */
  blackHole: boolean | "up" | "down";
  /** Refuses new connections. */
  down: boolean;
}

const NONE: NetworkFaults = {
  latencyMs: 0,
  bytesPerSecond: 0,
  sliceBytes: 0,
  cutAfterBytes: 0,
  blackHole: false,
  down: false,
};

export class TcpProxy {
  readonly port: number;
  /** Connections that were ever made through it. */
  connections = 0;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #watch = new Watch();
  #faults: NetworkFaults = { ...NONE };

  private constructor(server: Server, port: number, target: number) {
    this.#server = server;
    this.port = port;
    server.on("connection", (near) => {
      if (this.#faults.down) return void near.resetAndDestroy();
      this.connections += 1;
      this.#watch.changed();
      const pair = new Pair(near, target, () => this.#faults, this.#watch);
      this.#pairs.add(pair);
      pair.ended.then(() => this.#pairs.delete(pair));
    });
  }

  /** A proxy to a port on loopback. */
  static async to(target: number): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (typeof address !== "object" || !address) throw new Error("no port");
    return new TcpProxy(server, address.port, target);
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** Changes the weather for open connections and new ones. */
  set(faults: Partial<NetworkFaults>): void {
    this.#faults = { ...this.#faults, ...faults };
    this.#watch.changed();
  }

  heal(): void {
    this.set(NONE);
  }

  /** Resolves when so many more connections than now have been made. */
  async connectedAgain(times: number): Promise<void> {
    const goal = this.connections + times;
    await this.#watch.until(`${times} more connections`, () => this.connections >= goal);
  }

  /** Resets every open connection, in the middle of whatever it carries. */
  reset(): void {
    for (const pair of this.#pairs) pair.reset();
  }

  /** As if the cable was pulled for good: nothing open survives, nothing new gets through. */
  cut(): void {
    this.set({ down: true });
    this.reset();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.reset();
    await once(this.#server, "close");
  }
}

/** One connection: two sockets and what is under way between them. */
class Pair {
  readonly ended: Promise<unknown>;
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #faults: () => NetworkFaults;
  readonly #watch: Watch;
  #bytes = 0;

  constructor(near: Socket, target: number, faults: () => NetworkFaults, watch: Watch) {
    this.#near = near;
    this.#far = createConnection({ port: target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    this.#faults = faults;
    this.#watch = watch;
    // Whatever breaks one side breaks both, and is no error of the test's.
    for (const socket of [near, this.#far]) socket.on("error", () => this.reset());
    this.ended = Promise.allSettled([this.#pump(near, this.#far, "up"), this.#pump(this.#far, near, "down")]);
  }

  reset(): void {
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
    this.#watch.changed();
  }

  async #pump(from: Socket, to: Socket, way: "up" | "down"): Promise<void> {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      const arrived = performance.now();
      const size = this.#faults().sliceBytes || chunk.length;
      for (let at = 0; at < chunk.length; at += size) {
        await this.#carry(chunk.subarray(at, at + size), to, way, arrived);
      }
    }
    to.end();
  }

  async #carry(bytes: Buffer, to: Socket, way: "up" | "down", arrived: number): Promise<void> {
    const { latencyMs, bytesPerSecond } = this.#faults();
    const early = arrived + latencyMs - performance.now();
    if (early > 0) await wait(early);
    if (bytesPerSecond > 0) await wait((bytes.length / bytesPerSecond) * 1_000);
    await this.#watch.until(
      "the black hole to end",
      () => ![true, way].includes(this.#faults().blackHole) || to.destroyed,
      undefined,
      3_600_000,
    );
    this.#bytes += bytes.length;
    const { cutAfterBytes } = this.#faults();
    if (cutAfterBytes > 0 && this.#bytes > cutAfterBytes) return this.reset();
    if (!to.destroyed && !to.write(bytes)) await Promise.race([once(to, "drain"), once(to, "close")]);
  }
}
