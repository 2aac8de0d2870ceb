/**
 * Makes the request of an `api` block from the control plane. Every hop is
 * judged before it is made, and what went wrong is told in few words: whoever
 * wrote the runbook learns whether a host answered, nothing about networks.
 */
import type { AttemptOutcome, StepInputs, StepValues } from "#protocol/data.ts";
import { ANSWER_DEFAULT_BYTES, isExpected, judgeAnswer } from "#protocol/http/answer.ts";
import { REDIRECTS_MAX, redirectedRequest } from "#protocol/http/redirect.ts";
import { type Hop, mayHaveHadEffect, renderExchange } from "#protocol/http/render.ts";
import { type ApiFields, type HttpRequest, resolveRequest } from "#protocol/http/request.ts";
import { EDGE_TIMEOUT_MS } from "#protocol/limits.ts";
import { readBounded } from "./body.ts";
import type { BreakersApi } from "./contract.ts";
import { whyNotAllowed } from "./guard.ts";

/** Headers in which proxies say where a request came from: not for those who send it to write. */
const PROXY_HEADERS = /^(?:cf-.*|cdn-loop|forwarded|true-client-ip|via|x-forwarded-.*|x-real-ip)$/;

export interface Surroundings {
  fetch(url: string, init: RequestInit): Promise<Response>;
  breakers: BreakersApi;
  /** The origin of this control plane. */
  publicOrigin: string;
  /** Ends the request when nobody waits for it any more. */
  signal: AbortSignal;
}

export interface EdgeResult {
  outcome: AttemptOutcome;
  values?: StepValues;
  /** What the step shows as its output. */
  output: Uint8Array<ArrayBuffer>;
}

interface Exchange {
  block: ApiFields;
  around: Surroundings;
  signal: AbortSignal;
  limitMs: number;
  /** What was sent so far. */
  hops: Hop[];
}

/** Never throws for what the block, its inputs or the network brought: that is the attempt's outcome. */
export async function requestFromEdge(
  block: ApiFields,
  inputs: StepInputs,
  around: Surroundings,
): Promise<EdgeResult> {
  const limitMs = Math.min(block.timeoutMs ?? EDGE_TIMEOUT_MS, EDGE_TIMEOUT_MS);
  const exchange = {
    block,
    around,
    limitMs,
    signal: AbortSignal.any([AbortSignal.timeout(limitMs), around.signal]),
    hops: [],
  };
  const resolved = resolveRequest(block, inputs);
  if (!resolved.ok) return refused(exchange, "invalid_request", resolved.detail);
  const [forbidden] = resolved.request.headers.find(([name]) => PROXY_HEADERS.test(name)) ?? [];
  if (forbidden !== undefined) {
    const detail = `the header ${forbidden} cannot be sent from the edge; proxies write it, to say where a request came from`;
    return refused(exchange, "invalid_request", detail);
  }
  return send(exchange, resolved.request);
}

/** Sends one request, and those that its answer redirects to. */
async function send(exchange: Exchange, request: HttpRequest): Promise<EdgeResult> {
  const { around, hops } = exchange;
  const { host } = new URL(request.url);
  const why = whyNotAllowed(request.url, around.publicOrigin);
  if (why) {
    const what = hops.length === 0 ? "the address" : `it was redirected to ${host}, an address that`;
    return refused(exchange, "address_not_allowed", `${what} ${why}`);
  }
  const admission = await around.breakers.allow(host);
  if (!admission.allowed) {
    const at = new Date(admission.retryAt).toISOString();
    return unanswered(exchange, `${host} failed several times in a row; no request goes there before ${at}`);
  }
  // One that was given up says nothing of the host.
  const report = async (ok: boolean) => {
    if (!around.signal.aborted) await around.breakers.report(host, ok, admission.probe);
  };
  // Whether it arrived cannot be told here when `fetch` fails.
  const hop: Hop = { request, sent: true };
  hops.push(hop);
  let response: Response;
  try {
    response = await around.fetch(request.url, initOf(exchange, request));
  } catch {
    await report(false);
    return brokenOff(exchange, `${host} could not be reached`);
  }
  const { status, statusText, headers } = response;
  hop.answer = { status, statusText, headers: [...headers] };
  // A redirect that the block expects is its answer.
  const isWanted = exchange.block.expect?.includes(status);
  const next = isWanted ? undefined : redirectedRequest(request, status, headers.get("location"));
  if (!next) return conclude(exchange, response, host, report);
  response.body?.cancel().catch(() => undefined);
  await report(true);
  if (hops.length > REDIRECTS_MAX) {
    return unanswered(exchange, `it was redirected more than ${REDIRECTS_MAX} times`);
  }
  return send(exchange, next);
}

/** Reads the last answer and says what it means. */
async function conclude(
  exchange: Exchange,
  response: Response,
  host: string,
  report: (ok: boolean) => Promise<void>,
): Promise<EdgeResult> {
  const { block } = exchange;
  const { status } = response;
  const limit = block.answerLimitBytes ?? ANSWER_DEFAULT_BYTES;
  const { bytes, end } = await readBounded(response.body, limit);
  await report(end !== "broken" && (isExpected(block, status) || status < 500));
  if (end === "broken") {
    return brokenOff(exchange, `the answer of ${host} broke off`, bytes);
  }
  if (status > 599) return unanswered(exchange, `${host} answered with ${status}, which is no status`, bytes);
  const notice = end === "cut" ? `only the first ${limit} bytes of the answer were read` : undefined;
  return { ...judgeAnswer(block, status, bytes, end === "cut"), output: outputOf(exchange, bytes, notice) };
}

function initOf({ signal }: Exchange, { method, headers, body }: HttpRequest): RequestInit {
  const pairs = headers.map(([name, value]): [string, string] => [name, value]);
  // An answer from a cache would say how things were.
  return { method, headers: pairs, signal, redirect: "manual", cache: "no-store", ...(body && { body }) };
}

/** There is no whole answer: it was given up, its time is over, or what else is said of it. */
function brokenOff(exchange: Exchange, otherwise: string, body?: Uint8Array): EdgeResult {
  const { signal, limitMs, block, around, hops } = exchange;
  if (!signal.aborted) return unanswered(exchange, otherwise, body);
  const confirmed = !mayHaveHadEffect(hops);
  if (around.signal.aborted) {
    return { outcome: { type: "stopped", reason: "canceled", confirmed }, output: outputOf(exchange, body) };
  }
  const asked = (block.timeoutMs ?? 0) > EDGE_TIMEOUT_MS;
  const most = asked ? ", the most that a request from the edge may take" : "";
  const detail = `there was no whole answer within ${limitMs / 1000} s${most}`;
  const outcome = { type: "stopped", reason: "timed_out", confirmed, detail } as const;
  return { outcome, output: outputOf(exchange, body, detail) };
}

function refused(exchange: Exchange, code: string, detail: string): EdgeResult {
  return { outcome: { type: "refused", code, detail: short(detail) }, output: outputOf(exchange) };
}

function unanswered(exchange: Exchange, detail: string, body?: Uint8Array): EdgeResult {
  const sent = mayHaveHadEffect(exchange.hops) && ({ sent: true } as const);
  const outcome = { type: "unanswered", detail: short(detail), ...sent } as const;
  return { outcome, output: outputOf(exchange, body, detail) };
}

function outputOf(
  { hops, block }: Exchange,
  body: Uint8Array = new Uint8Array(),
  notice?: string,
): EdgeResult["output"] {
  const shown = body.subarray(0, block.outputLimitBytes);
  const isCut = shown.byteLength < body.byteLength;
  const words = isCut ? `only the first ${shown.byteLength} bytes of the answer are shown` : notice;
  return renderExchange(hops, shown, words);
}

/** A detail may quote a name that a server has chosen. */
function short(detail: string): string {
  return detail.slice(0, 2_000);
}
