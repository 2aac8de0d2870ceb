/** What an HTTP answer means that should have been a WebSocket. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { type Problem, problemSchema } from "#protocol/errors.ts";
import type { Ending } from "./backoff.ts";

/** Enough for any problem document; nobody else's page is read further. */
const BODY_MAX_BYTES = 16 * 1024;

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** The beginning of it. */
  body: string;
}

/** Reads the answer's beginning; resolves whatever becomes of the rest. */
export function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let length = 0;
    const done = (): void => {
      const body = Buffer.concat(parts).toString("utf8");
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      response.destroy();
    };
    response.on("data", (part: Buffer) => {
      parts.push(part);
      length += part.length;
      if (length >= BODY_MAX_BYTES) done();
    });
    for (const event of ["end", "error", "close"] as const) response.once(event, done);
  });
}

/** @param now wall clock, ms; for a Retry-After that is a date */
export function endingOf({ status, headers, body }: HttpAnswer, now: number): Ending {
  if (status >= 300 && status < 400) {
    const to = headers.location ?? "nowhere";
    return { type: "foreign", status, detail: `HTTP ${status}, a redirect to ${to}; check the address` };
  }
  if (status >= 200 && status < 300) {
    const kind = headers["content-type"] ?? "no content type";
    return {
      type: "foreign",
      status,
      detail: `HTTP ${status} (${kind}) instead of a WebSocket: a captive portal, or a proxy that strips Upgrade`,
    };
  }
  const retryAfterMs = parseRetryAfter(headers["retry-after"], now);
  const problem = problemIn(body);
  // It did ask for a WebSocket. Nothing is wrong with its version, and what stands in between may go at any time.
  if (problem?.code === "upgrade_required") {
    const detail = `HTTP ${status}: something on the way, such as a proxy, removed the Upgrade header`;
    return { type: "foreign", status, detail };
  }
  const detail = `HTTP ${status}: ${problem?.detail.slice(0, 500) ?? ownWords(status)}`;
  const more = { ...(retryAfterMs && { retryAfterMs }), ...(problem && { code: problem.code }) };
  return { type: "refused", status, detail, ...more };
}

/** The server's clock when it answered, ms since the epoch, to the second. */
export function serverTimeOf({ headers }: HttpAnswer): number | undefined {
  const time = Date.parse(headers.date ?? "");
  return Number.isNaN(time) ? undefined : time;
}

/** Seconds, or a date; undefined when there is neither. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function problemIn(body: string): Problem | undefined {
  try {
    return problemSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

function ownWords(status: number): string {
  switch (status) {
    case 401:
      return "this agent's assertion is not accepted; check this host's clock, and that the agent is still enrolled";
    case 403:
      return "this agent has been revoked; enroll it again to use this host";
    case 426:
      return "no shared protocol version; upgrade the older of agent and control plane";
    default:
      return "no reason given";
  }
}
