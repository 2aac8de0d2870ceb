/**
 * Sends one HTTP request from this host, follows redirects, and reads the
 * answer up to a limit. `node:http` and not `fetch`: that would give up on a
 * slow answer after five minutes whatever the block says, and bring several
 * megabytes into a process that spawns the faster the smaller it is.
 */
import { lookup } from "node:dns";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { REDIRECTS_MAX, redirectedRequest } from "#protocol/http/redirect.ts";
import type { Hop } from "#protocol/http/render.ts";
import type { Header, HttpRequest } from "#protocol/http/request.ts";
import { errorCode } from "../files.ts";
import { wordsOf } from "../log.ts";
import { RunnerRefusal } from "./refusal.ts";

export interface HttpAnswer {
  status: number;
  statusText: string;
  headers: Header[];
  body: Uint8Array;
  /** The body went on past the limit. */
  cut: boolean;
}

/** Why there is no answer, in words. */
export class Unanswered extends Error {
  override readonly name = "Unanswered";
}

/** What this host lets requests reach; the answers are words when it does not. */
export interface HostGuard {
  url(url: URL): string | undefined;
  /** The address that the name in a URL leads to. */
  address(url: URL, address: string): string | undefined;
}

export interface SendOptions {
  /** Of the answer's body; the rest is not read. */
  limitBytes: number;
  /** Statuses that are wanted: a redirect among them is the answer. */
  expect: readonly number[] | undefined;
  signal: AbortSignal;
  guard: HostGuard;
  /** The body is a secret: no other origin gets it. */
  secretBody: boolean;
}

/**
 * @param hops gets each request that was sent, with its answer once there is one
 * @throws RunnerRefusal when the request cannot be sent as it is, or not to where it has to go
 * @throws Unanswered when no answer came, or the signal ended the waiting
 */
export async function sendRequest(
  first: HttpRequest,
  hops: Hop[],
  { limitBytes, expect, signal, guard, secretBody }: SendOptions,
): Promise<HttpAnswer> {
  let request = first;
  for (;;) {
    const problem = guard.url(new URL(request.url));
    if (problem !== undefined) throw new RunnerRefusal("policy", problem);
    const hop: Hop = { request };
    hops.push(hop);
    const answer = await sendOnce(hop, request, { limitBytes, signal, guard });
    hop.answer = answer;
    if (expect?.includes(answer.status)) return answer;
    const location = answer.headers.find(([name]) => name === "location")?.[1] ?? null;
    const next = redirectedRequest(request, answer.status, location);
    if (!next) return answer;
    checkRedirect(next.url);
    if (secretBody && next.body && new URL(next.url).origin !== new URL(request.url).origin) {
      throw new Unanswered("it was redirected to another host, which does not get a body that is a secret");
    }
    if (hops.length > REDIRECTS_MAX)
      throw new Unanswered(`it was redirected more than ${REDIRECTS_MAX} times`);
    request = next;
  }
}

function checkRedirect(to: string): void {
  const { protocol } = new URL(to);
  if (protocol === "https:" || protocol === "http:") return;
  throw new Unanswered(`it was redirected to what is no web address: ${protocol}`);
}

async function sendOnce(
  hop: Hop,
  request: HttpRequest,
  { limitBytes, signal, guard }: Omit<SendOptions, "expect" | "secretBody">,
): Promise<HttpAnswer> {
  const incoming = await exchange(hop, request, signal, guard);
  try {
    const { statusCode: status = 0, statusMessage: statusText = "" } = incoming;
    const headers = Object.entries(incoming.headers).map(([name, value]): Header => [name, String(value)]);
    return { status, statusText, headers, ...(await readBody(incoming, limitBytes)) };
  } catch (error) {
    throw new Unanswered(`the answer broke off: ${reasonOf(error)}`);
  } finally {
    incoming.destroy();
  }
}

function exchange(
  hop: Hop,
  request: HttpRequest,
  signal: AbortSignal,
  guard: HostGuard,
): Promise<IncomingMessage> {
  const { method, url, headers, body } = request;
  const isSecure = url.startsWith("https:");
  const send = isSecure ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    try {
      const outgoing = send(url, {
        ...{ method, signal, agent: false, lookup: guardedLookup(guard, new URL(url)) },
        // Bytes as they are: a limit on what is read should be one on what arrives.
        headers: { "accept-encoding": "identity", ...Object.fromEntries(headers), ...lengthOf(body) },
      });
      outgoing.once("socket", (socket) =>
        socket.once(isSecure ? "secureConnect" : "connect", () => {
          hop.sent = true;
        }),
      );
      outgoing.once("response", resolve);
      outgoing.once("upgrade", (_, socket) => {
        socket.destroy();
        reject(new Unanswered("the other end wants to speak another protocol"));
      });
      outgoing.on("error", (error) =>
        reject(error instanceof RunnerRefusal ? error : new Unanswered(reasonOf(error))),
      );
      outgoing.end(body);
    } catch (error) {
      reject(new RunnerRefusal("bad_request", `the request cannot be sent as it is: ${wordsOf(error)}`));
    }
  });
}

/** Looks names up as Node does, and connects to none of their addresses when one is kept out. */
function guardedLookup(guard: HostGuard, url: URL): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error || !first) return callback(error, "");
      for (const { address } of addresses) {
        const problem = guard.address(url, address);
        if (problem !== undefined) return callback(new RunnerRefusal("policy", problem), "");
      }
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function lengthOf(body: Uint8Array | undefined): Record<string, string> {
  return body === undefined ? {} : { "content-length": String(body.byteLength) };
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
