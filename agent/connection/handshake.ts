/**
 * Opens one socket to the control plane: the assertion (HS2), the subprotocol
 * (HS1), and every way in which a server, a proxy or a captive portal may say
 * no, told apart so that the reconcile loop can pick the right pause.
 */
import WebSocket from "ws";
import { AGENT_PATHS } from "#protocol/assertion.ts";
import { FRAME_MAX_BYTES } from "#protocol/limits.ts";
import { wholeCharacters } from "#protocol/utf8.ts";
import { SUBPROTOCOL } from "#protocol/version.ts";
import type { Clock } from "../clock.ts";
import { isLoopback } from "../config.ts";
import type { KeyPair } from "../identity.ts";
import type { KeyRing } from "../keys.ts";
import { type Log, wordsOf } from "../log.ts";
import { AGENT_VERSION } from "../version.ts";
import { signAssertion } from "./assertion.ts";
import type { Ending } from "./backoff.ts";
import type { ConnectCounter } from "./counter.ts";
import type { Dial, DialEvents, Socket } from "./link.ts";
import { endingOf, type HttpAnswer, readAnswer } from "./refusal.ts";
import type { ServerTime } from "./serverTime.ts";
import type { Transport } from "./transport.ts";
import { connectionWords } from "./words.ts";

const HANDSHAKE_TIMEOUT_MS = 15_000;
const ANSWER_TIMEOUT_MS = 5_000;
const CLOSE_REASON_MAX_BYTES = 123;

/** What a dialer signs with, and how it gets there. */
export interface Dialer {
  keys: Pick<KeyRing, "identity" | "active" | "refused" | "proved">;
  counter: Pick<ConnectCounter, "next">;
  transport: Transport;
  clock: Clock;
  time: ServerTime;
  log: Log;
}

/** The dialer that the agent uses. */
export function createDial({ keys, counter, transport, clock, time, log }: Dialer): Dial {
  const sign = (path: string, key: KeyPair): string => {
    const more = path === AGENT_PATHS.control ? { counter: counter.next() } : {};
    const { agentId, url } = keys.identity;
    return signAssertion({ agentId, url, privateKey: key.privateKey }, path, time.now(), more);
  };

  return (path, events) => {
    const key = keys.active;
    const answered = (answer: HttpAnswer): void => {
      const ending = endingOf(answer, clock.now());
      if (answer.status !== 401) return events.ended(ending);
      const skew = time.learn(answer);
      if (skew) return events.ended({ type: "network", detail: skew });
      const isOtherKeyLeft = keys.refused(key);
      events.ended(
        isOtherKeyLeft ? { type: "network", detail: `${wordsIn(ending)}; trying the other key` } : ending,
      );
    };
    const opened = (socket: Socket): void => {
      try {
        if (keys.proved(key, clock.now())) log.info("uses its new key from now on");
      } catch (error) {
        // Both keys are on disk still: the next start finds out which is good.
        log.error("cannot write down that the new key is the agent's own", { reason: wordsOf(error) });
      }
      events.opened(socket);
    };
    let assertion: string;
    try {
      assertion = sign(path, key);
    } catch (error) {
      // A counter that cannot be written is an ending like any other.
      events.ended({ type: "network", detail: `cannot sign: ${wordsOf(error)}` });
      return () => {};
    }
    return connect(transport, path, assertion, { ...events, opened }, answered);
  };
}

function wordsIn(ending: Ending): string {
  return "detail" in ending ? ending.detail : ending.type;
}

function connect(
  { url: origin, agent }: Transport,
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
    agent,
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
    failure ??= connectionWords(error, origin);
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
