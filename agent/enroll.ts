/** Asks a control plane to take this host on: the public key and a join token go out, an id comes back. */
import type { z } from "zod";
import { envelope } from "#protocol/api/envelope.ts";
import {
  AGENT_PATHS,
  type EnrollRequest,
  type EnrollResponse,
  enrollResponseSchema,
} from "#protocol/assertion.ts";
import { problemSchema } from "#protocol/errors.ts";
import { type HttpAnswer, parseRetryAfter } from "./connection/refusal.ts";
import { postJson, type Transport } from "./connection/transport.ts";
import { Failure } from "./failure.ts";
import { wordsOf } from "./log.ts";

const ENROLL_TIMEOUT_MS = 30_000;

const answerSchema = envelope(enrollResponseSchema);

/** @throws Failure with the reason, in words that say what to do. */
export async function requestEnrollment(
  transport: Transport,
  request: EnrollRequest,
): Promise<EnrollResponse> {
  const { url } = transport;
  let answer: HttpAnswer;
  try {
    answer = await postJson(transport, {
      path: AGENT_PATHS.enroll,
      body: request,
      timeoutMs: ENROLL_TIMEOUT_MS,
    });
  } catch (error) {
    throw new Failure(`cannot reach ${url}: ${wordsOf(error)}`);
  }
  return readAgentAnswer(url, answer, answerSchema).data;
}

/**
 * What the control plane has answered to a request of an agent.
 * @throws Failure with the reason, in words that say what to do
 */
export function readAgentAnswer<T>(origin: string, answer: HttpAnswer, schema: z.ZodType<T>): T {
  const { status } = answer;
  const json = parseJson(answer.body);
  if (status >= 200 && status < 300) {
    const read = schema.safeParse(json);
    if (read.success) return read.data;
    throw new Failure(
      `${origin} answered HTTP ${status}, but not as a Farhand control plane does: is the address right, or is a captive portal in between?`,
    );
  }
  const problem = problemSchema.safeParse(json);
  if (problem.success) {
    const { detail, code, requestId } = problem.data;
    throw new Failure(`${origin} refused: ${detail} (${code}, request ${requestId})`);
  }
  const wait = parseRetryAfter(answer.headers["retry-after"], Date.now());
  if (status === 429 || status === 503) {
    const when = wait === undefined ? "later" : `in ${Math.ceil(wait / 1000)} s`;
    throw new Failure(`${origin} is busy or down for maintenance (HTTP ${status}): try again ${when}`);
  }
  const to = answer.headers.location;
  throw new Failure(
    `${origin} answered HTTP ${status}${to ? `, a redirect to ${to}` : ""}: is this the address of a Farhand control plane?`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
