/**
 * Opens one socket to the control plane: the assertion (HS2), the subprotocol
 * (HS1), and every way in which a server, a proxy or a captive portal may say
 * no, told apart so that the reconcile loop can pick the right pause.
 */
import WebSocket from "ws";
import { FRAME_MAX_BYTES } from "#protocol/limits.ts";
import { wholeCharacters } from "#protocol/utf8.ts";
import { SUBPROTOCOL } from "#protocol/version.ts";
import type { Clock } from "../clock.ts";
import { isLoopback } from "../config.ts";
import { wordsOf } from "../log.ts";
import { AGENT_VERSION } from "../version.ts";
import { type Signer, signAssertion } from "./assertion.ts";
import type { Dial, DialEvents, Socket } from "./link.ts";
import { endingOf, type HttpAnswer, readAnswer, serverTimeOf } from "./refusal.ts";

const HANDSHAKE_TIMEOUT_MS = 15_000;
const ANSWER_TIMEOUT_MS = 5_000;
const CLOSE_REASON_MAX_BYTES = 123;
/** Clocks this far apart are not worth a correction. */
const SKEW_TOLERATED_MS = 10_000;

/**
 * The dialer that the agent uses; `identity.url` is an http or https origin.
 *
 * Assertions are made out by the control plane's clock: where an answer of 401
 * shows that this host's is off, the difference is taken along from then on
 * (promise G12).
 */
export function createDial(identity: Signer, clock: Clock): Dial {
  let aheadMs = 0;

  /** @returns words for the log when the difference is news */
  const learnTime = (serverTime: number): string | undefined => {
    const ahead = serverTime - clock.now();
    if (Math.abs(ahead - aheadMs) < SKEW_TOLERATED_MS) return undefined;
    aheadMs = ahead;
    const side = ahead > 0 ? "behind" : "ahead of";
    const seconds = Math.round(Math.abs(ahead) / 1000);
    return `this host's clock is ${seconds} s ${side} the control plane's; signing by the latter from now on`;
  };

  return (path, events) => {
    let abort: (() => void) | undefined;
    let aborted = false;
    const answered = (answer: HttpAnswer): void => {
      const serverTime = answer.status === 401 ? serverTimeOf(answer) : undefined;
      const skew = serverTime === undefined ? undefined : learnTime(serverTime);
      events.ended(skew ? { type: "network", detail: skew } : endingOf(answer, clock.now()));
    };
    signAssertion(identity, path, clock.now() + aheadMs).then(
      (assertion) => {
        if (aborted) events.ended({ type: "network", detail: "given up" });
        else abort = connect(identity.url, path, assertion, events, answered);
      },
      (error) => events.ended({ type: "network", detail: `cannot sign: ${wordsOf(error)}` }),
    );
    return () => {
      aborted = true;
      abort?.();
    };
  };
}

function connect(
  origin: string,
  path: string,
  assertion: string,
  events: DialEvents,
  answered: (answer: HttpAnswer) => void,
): () => void {
  const socket = new WebSocket(origin.replace(/^http/, "ws") + path, [SUBPROTOCOL], {
    headers: { authorization: `Bearer ${assertion}`, "user-agent": `farhand-agent/${AGENT_VERSION}` },
    perMessageDeflate: false,
    maxPayload: FRAME_MAX_BYTES,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    followRedirects: false,
    ...(isUnseen(new URL(origin)) ? { generateMask: leaveUnmasked } : {}),
  });
  let failure: string | undefined;
  let opened = false;
  let refused = false;
  socket.on("open", () => {
    opened = true;
    events.opened(asSocket(socket));
  });
  socket.on("message", (data: Buffer, isBinary) => {
    // Only agents send binary frames; an empty text is refused by every schema.
    events.received(isBinary ? "" : data.toString("utf8"));
  });
  socket.on("unexpected-response", (request, response) => {
    refused = true;
    // A body that never ends is no answer either.
    request.setTimeout(ANSWER_TIMEOUT_MS, () => request.destroy());
    void readAnswer(response).then((answer) => {
      request.destroy();
      answered(answer);
    });
  });
  socket.on("error", (error) => {
    failure ??= describe(error);
  });
  socket.on("close", (code, reason) => {
    if (opened) events.ended({ type: "closed", code, reason: reason.toString("utf8"), settled: false });
    else if (!refused) events.ended({ type: "network", detail: failure ?? "the connection was closed" });
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
    close: (code, reason) => socket.close(code, closeReason(reason)),
    terminate: () => socket.terminate(),
  };
}

/** Cuts a reason to what a close frame may carry; ws throws for more. */
function closeReason(reason: string): Buffer {
  const bytes = Buffer.from(reason).subarray(0, CLOSE_REASON_MAX_BYTES);
  return bytes.subarray(0, wholeCharacters(bytes));
}

function describe(error: Error): string {
  // Node reports a refused connection to every address of a name as one error with an empty message.
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return error.message || code || "unknown error";
}
