import { redactHeaders, redactText } from "./redact.ts";
import type { Header, HttpRequest } from "./request.ts";

/** One request and what came back, its body aside. */
export interface Hop {
  request: Pick<HttpRequest, "method" | "url">;
  /** It may have reached the other end. */
  sent?: boolean;
  answer?: { status: number; statusText: string; headers: readonly Header[] };
}

/** True when something was sent of which twice may be too many: what HTTP does not call idempotent. */
export function mayHaveHadEffect(hops: readonly Hop[]): boolean {
  return hops.some(({ request: { method }, sent }) => sent && (method === "POST" || method === "PATCH"));
}

/**
 * An exchange as a step's output shows it: for each hop the request line, the
 * status and the headers, then a blank line and the last one's body. Without
 * the credentials that can be recognized in URLs and headers; the body is as it came.
 * @param notice what else there is to say, such as why the body ends early
 */
export function renderExchange(
  hops: readonly Hop[],
  body: Uint8Array,
  notice?: string,
): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const head = hops.map((hop) => `${renderHop(hop)}\n`).join("");
  const line = notice === undefined ? "" : `${body.byteLength > 0 ? "\n" : ""}[${notice}]\n`;
  const parts = [encoder.encode(head), body, encoder.encode(line)];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function renderHop({ request, answer }: Hop): string {
  const lines = [`${request.method} ${redactText(request.url)}`];
  if (answer) {
    lines.push(`${answer.status} ${answer.statusText}`.trimEnd());
    for (const [name, value] of redactHeaders(answer.headers)) lines.push(`${name}: ${value}`);
  }
  return `${lines.join("\n")}\n`;
}
