/** What the requests of a soak go to: notes who asked, and answers in words that are known beforehand. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { secretValue } from "./host.ts";

/** Long enough for an agent to be killed while it waits. */
const ANSWER_AFTER_MS = 1_500;

export class Endpoint {
  /** The body of every request, in the order they came. */
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", async (request, response) => {
      const body = await text(request).catch(() => undefined);
      if (body === undefined) return response.destroy();
      this.asked.push(body);
      const answer = answerTo(body, request.headers.authorization);
      response.sendDate = false;
      response.writeHead(200, headersOf(answer));
      setTimeout(() => response.end(answer), ANSWER_AFTER_MS);
    });
  }

  static async start(): Promise<Endpoint> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Endpoint(server);
  }

  /** Its address, which the policy of the hosts lets requests go to. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** What a step shows of its request, as far as it came: nothing was heard, or all of it, without the secret. */
export function exchangeWith(url: string, body: string): { unheard: string; whole: string } {
  const headers = Object.entries(headersOf(answerTo(body, `Bearer ${secretValue()}`)));
  const lines = headers.map(([name, value]) => `${name}: ${value}\n`).join("");
  return {
    unheard: `POST ${url}\n\n`,
    whole: `POST ${url}\n200 OK\n${lines}\n${answerTo(body, "Bearer [secret:api-token]")}`,
  };
}

function answerTo(body: string, authorization: string | undefined): string {
  return `${body} asks with ${authorization}\n`;
}

function headersOf(answer: string): Record<string, string> {
  return {
    "content-type": "text/plain",
    "content-length": String(Buffer.byteLength(answer)),
    connection: "close",
  };
}
