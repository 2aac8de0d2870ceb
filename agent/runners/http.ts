/**
 * Sends one HTTP request from this host, follows redirects, and reads the
 * answer up to a limit. `node:http` and not `fetch`: that would give up on a
 * slow answer after five minutes whatever the block says, and bring several
 * megabytes into a process that spawns the faster the smaller it is.
 */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { errorCode } from "../files.ts";
import { wordsOf } from "../log.ts";
import { RunnerRefusal } from "./refusal.ts";

export interface HttpRequest {
  method: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
}

export interface HttpAnswer {
  status: number;
  /** Where the answer came from, after redirects. */
  url: string;
  headers: Record<string, string>;
  body: Uint8Array;
  /** The body went on past the limit. */
  cut: boolean;
}

/** Why there is no answer, in words. */
export class Unanswered extends Error {
  override readonly name = "Unanswered";
}

const REDIRECTS_MAX = 5;
/** Headers that may go along to another origin; any other could be a credential. */
const HARMLESS = new Set(["accept", "accept-encoding", "accept-language", "content-type", "user-agent"]);

/**
 * @param limitBytes of the answer's body; the rest is not read
 * @throws RunnerRefusal when the request cannot be sent as it is, and nothing was
 * @throws Unanswered when no answer came, or the signal ended the waiting
 */
export async function sendRequest(
  first: HttpRequest,
  limitBytes: number,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  let request = first;
  for (let redirects = 0; ; redirects++) {
    const answer = await sendOnce(request, limitBytes, signal);
    const next = redirectOf(request, answer);
    if (!next) return answer;
    if (redirects === REDIRECTS_MAX) {
      throw new Unanswered(
        `it was redirected more than ${REDIRECTS_MAX} times, at last to ${new URL(next.url).origin}`,
      );
    }
    request = next;
  }
}

/** The request that a redirect asks for; undefined when the answer is none. */
export function redirectOf(
  request: HttpRequest,
  answer: Pick<HttpAnswer, "status" | "headers">,
): HttpRequest | undefined {
  const { location } = answer.headers;
  if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return undefined;
  const from = new URL(request.url);
  const to = URL.parse(location, from);
  if (!to || (to.protocol !== "https:" && to.protocol !== "http:")) {
    throw new Unanswered(`it was redirected to what is no web address: ${location.slice(0, 200)}`);
  }
  if (from.protocol === "https:" && to.protocol === "http:") {
    throw new Unanswered(`it was redirected from https to http (${to.origin}), which is not followed`);
  }
  const entries = Object.entries(request.headers);
  const sameOrigin = from.origin === to.origin;
  const headers = entries.filter(([name]) => sameOrigin || HARMLESS.has(name.toLowerCase()));
  // As browsers do: what was posted is not posted again, unless the answer says to keep to the method.
  const keeps = answer.status >= 307 || request.method === "GET" || request.method === "HEAD";
  if (keeps) return { ...request, url: to.href, headers: Object.fromEntries(headers) };
  const withoutBody = headers.filter(([name]) => name.toLowerCase() !== "content-type");
  return { method: "GET", url: to.href, headers: Object.fromEntries(withoutBody) };
}

async function sendOnce(request: HttpRequest, limitBytes: number, signal: AbortSignal): Promise<HttpAnswer> {
  const incoming = await exchange(request, signal);
  try {
    const { body, cut } = await readBody(incoming, limitBytes);
    const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
    return {
      ...{ status: incoming.statusCode ?? 0, url: request.url, body, cut },
      headers: Object.fromEntries(headers),
    };
  } catch (error) {
    throw new Unanswered(`the answer broke off: ${reasonOf(error)}`);
  } finally {
    incoming.destroy();
  }
}

function exchange(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { method, url, headers, body } = request;
  const send = url.startsWith("https:") ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    try {
      const outgoing = send(url, {
        ...{ method, signal, agent: false },
        // Bytes as they are: a limit on what is read should be one on what arrives.
        headers: { "accept-encoding": "identity", ...headers, ...lengthOf(body) },
      });
      outgoing.once("response", resolve);
      outgoing.once("upgrade", (_, socket) => {
        socket.destroy();
        reject(new Unanswered("the other end wants to speak another protocol"));
      });
      outgoing.on("error", (error) => reject(new Unanswered(reasonOf(error))));
      outgoing.end(body);
    } catch (error) {
      reject(new RunnerRefusal("bad_request", `the request cannot be sent as it is: ${wordsOf(error)}`));
    }
  });
}

function lengthOf(body: string | undefined): Record<string, string> {
  return body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
}

async function readBody(
  incoming: IncomingMessage,
  limitBytes: number,
): Promise<Pick<HttpAnswer, "body" | "cut">> {
  const parts: Buffer[] = [];
  let left = limitBytes;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    parts.push(part.subarray(0, left));
    left -= part.length;
    if (left < 0) return { body: Buffer.concat(parts), cut: true };
  }
  return { body: Buffer.concat(parts), cut: false };
}

function reasonOf(error: unknown): string {
  switch (errorCode(error)) {
    case "ENOTFOUND":
      return "no such host (ENOTFOUND)";
    case "ECONNREFUSED":
      return "nothing listens there (ECONNREFUSED)";
    case "ECONNRESET":
      return "the connection was cut (ECONNRESET)";
    case "ETIMEDOUT":
      return "no connection in time (ETIMEDOUT)";
    default:
      return wordsOf(error) || (errorCode(error) ?? "the connection failed");
  }
}
