/**
 * Opens one socket to the control plane: the assertion (HS2), the subprotocol
 * (HS1), and every way in which a server, a proxy or a captive portal may say
 * no, told apart so that the reconcile loop can pick the right pause.
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { SignJWT } from "jose";
import WebSocket from "ws";
import { ASSERTION_ALGORITHM } from "#protocol/assertion.ts";
import { ASSERTION_TTL_SECONDS, FRAME_MAX_BYTES } from "#protocol/limits.ts";
import { SUBPROTOCOL } from "#protocol/version.ts";
import type { Clock } from "../clock.ts";
import { isLoopback } from "../config.ts";
import type { Identity } from "../identity.ts";
import { wordsOf } from "../log.ts";
import { AGENT_VERSION } from "../version.ts";
import type { Ending } from "./backoff.ts";
import type { Dial, DialEvents, Socket } from "./reconcile.ts";

const HANDSHAKE_TIMEOUT_MS = 15_000;

type Signer = Pick<Identity, "agentId" | "privateKey" | "url">;

/** A fresh assertion for one upgrade of one path. */
export function signAssertion(identity: Signer, path: string, nowMs: number): Promise<string> {
  const issuedAt = Math.floor(nowMs / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: ASSERTION_ALGORITHM, typ: "JWT" })
    .setSubject(identity.agentId)
    .setAudience(identity.url + path)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ASSERTION_TTL_SECONDS)
    .setJti(randomBytes(16).toString("base64url"))
    .sign(identity.privateKey);
}

/** The dialer that the agent uses; `identity.url` is an http or https origin. */
export function createDial(identity: Signer, clock: Clock): Dial {
  return (path, events) => {
    let abort: (() => void) | undefined;
    let aborted = false;
    signAssertion(identity, path, clock.now()).then(
      (assertion) => {
        if (aborted) events.ended({ type: "network", detail: "given up" });
        else abort = connect(identity.url, path, assertion, events);
      },
      (error) => events.ended({ type: "network", detail: `cannot sign: ${wordsOf(error)}` }),
    );
    return () => {
      aborted = true;
      abort?.();
    };
  };
}

function connect(origin: string, path: string, assertion: string, events: DialEvents): () => void {
  const socket = new WebSocket(origin.replace(/^http/, "ws") + path, [SUBPROTOCOL], {
    headers: { authorization: `Bearer ${assertion}`, "user-agent": `farhand-agent/${AGENT_VERSION}` },
    perMessageDeflate: false,
    maxPayload: FRAME_MAX_BYTES,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    followRedirects: false,
    ...(isUnseen(new URL(origin)) ? { generateMask: leaveUnmasked } : {}),
  });
  let failure: Ending | undefined;
  let opened = false;
  socket.on("open", () => {
    opened = true;
    events.opened(asSocket(socket));
  });
  socket.on("message", (data: Buffer, isBinary) => {
    // Only agents send binary frames; an empty text is refused by every schema.
    events.received(isBinary ? "" : data.toString("utf8"));
  });
  socket.on("unexpected-response", (request, response) => {
    failure = endingOf(response);
    request.destroy();
    events.ended(failure);
  });
  socket.on("error", (error) => {
    failure ??= { type: "network", detail: describe(error) };
  });
  socket.on("close", (code, reason) => {
    events.ended(
      opened
        ? { type: "closed", code, reason: reason.toString("utf8"), settled: false }
        : (failure ?? { type: "network", detail: "the connection was closed" }),
    );
  });
  return () => socket.terminate();
}

/**
 * The mask of a WebSocket guards proxies that read plain text against hostile
 * payloads. Where none can read along, an all-zero mask saves ws a copy of
 * every byte of output and a pass over it, a quarter of the agent's work.
 */
function leaveUnmasked(mask: Buffer): void {
  mask.fill(0);
}

function isUnseen({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || isLoopback(hostname);
}

function asSocket(socket: WebSocket): Socket {
  return {
    send: (frame, sent) => {
      // A send that comes too late is no news: the end of the socket is reported on its own.
      socket.send(frame, (error) => {
        if (!error) sent?.();
      });
    },
    get buffered() {
      return socket.bufferedAmount;
    },
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
}

/** Reads an answer to the upgrade that is not an upgrade. */
export function endingOf(response: Pick<IncomingMessage, "statusCode" | "headers">): Ending {
  const status = response.statusCode ?? 0;
  const type = response.headers["content-type"] ?? "no content type";
  if (status >= 300 && status < 400) {
    const to = response.headers.location ?? "nowhere";
    return { type: "foreign", status, detail: `HTTP ${status}, a redirect to ${to}; check the address` };
  }
  if (status >= 200 && status < 300) {
    return {
      type: "foreign",
      status,
      detail: `HTTP ${status} (${type}) instead of a WebSocket: a captive portal, or a proxy that strips Upgrade`,
    };
  }
  const retryAfterMs = parseRetryAfter(response.headers["retry-after"], Date.now());
  return { type: "refused", status, detail: refusalWords(status), ...(retryAfterMs ? { retryAfterMs } : {}) };
}

function refusalWords(status: number): string {
  switch (status) {
    case 401:
      return "HTTP 401: it does not accept this agent's assertion; check this host's clock, and that the agent is still enrolled";
    case 403:
      return "HTTP 403: this agent has been revoked; enroll it again to use this host";
    case 426:
      return "HTTP 426: no shared protocol version; upgrade the older of agent and control plane";
    default:
      return `HTTP ${status}`;
  }
}

/** Seconds, or a date; undefined when there is neither. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function describe(error: Error): string {
  // Node reports a refused connection to every address of a name as one error with an empty message.
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return error.message || code || "unknown error";
}
