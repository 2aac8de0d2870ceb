/**
 * Makes the request of an `api` block from the control plane. Every hop is
 * judged before it is made, and what went wrong is told in few words: whoever
 * wrote the runbook learns whether a host answered, nothing about networks.
 */
import type { AttemptOutcome, StepInputs, StepValues } from "#protocol/data.ts";
import { ANSWER_DEFAULT_BYTES, isExpected, judgeAnswer } from "#protocol/http/answer.ts";
import { REDIRECTS_MAX, redirectedRequest } from "#protocol/http/redirect.ts";
import { type Hop, renderExchange } from "#protocol/http/render.ts";
import { type ApiFields, type HttpRequest, resolveRequest } from "#protocol/http/request.ts";
import { readBounded } from "./body.ts";
import type { BreakersApi } from "./contract.ts";
import { whyNotAllowed } from "./guard.ts";

/** The longest a request from the edge may take, with its redirects and the answer's body. */
export const EDGE_TIMEOUT_MS = 60_000;

/** Headers in which proxies say where a request came from: not for those who send it to write. */
const PROXY_HEADERS = /^(?:cf-.*|cdn-loop|forwarded|true-client-ip|via|x-forwarded-.*|x-real-ip)$/;

export interface Surroundings {
  fetch(url: string, init: RequestInit): Promise<Response>;
  breakers: BreakersApi;
  /** The origin of this control plane. */
  publicOrigin: string;
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
  const exchange = { block, around, limitMs, signal: AbortSignal.timeout(limitMs), hops: [] };
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
  const report = (ok: boolean) => around.breakers.report(host, ok, admission.probe);
  const hop: Hop = { request };
  hops.push(hop);
  let response: Response;
  try {
    response = await around.fetch(request.url, initOf(exchange, request));
  } catch {
    await report(false);
    return unanswered(exchange, broken(exchange, `${host} could not be reached`));
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
    return unanswered(exchange, broken(exchange, `the answer of ${host} broke off`), bytes);
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

/** Why there is no whole answer: the time limit, or what else is said of it. */
function broken({ signal, limitMs, block }: Exchange, otherwise: string): string {
  if (!signal.aborted) return otherwise;
  const asked = (block.timeoutMs ?? 0) > EDGE_TIMEOUT_MS;
  const most = asked ? ", the most that a request from the edge may take" : "";
  return `there was no whole answer within ${limitMs / 1000} s${most}`;
}

function refused(exchange: Exchange, code: string, detail: string): EdgeResult {
  return { outcome: { type: "refused", code, detail: short(detail) }, output: outputOf(exchange) };
}

function unanswered(exchange: Exchange, detail: string, body?: Uint8Array): EdgeResult {
  return { outcome: { type: "unanswered", detail: short(detail) }, output: outputOf(exchange, body, detail) };
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
