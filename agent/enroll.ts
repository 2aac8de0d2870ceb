/** Asks a control plane to take this host on: the public key and a join token go out, an id comes back. */
import { z } from "zod";
import { envelope } from "#protocol/api/envelope.ts";
import {
  AGENT_PATHS,
  type EnrollRequest,
  type EnrollResponse,
  enrollResponseSchema,
} from "#protocol/assertion.ts";
import { problemSchema } from "#protocol/errors.ts";
import { Failure } from "./failure.ts";

const ENROLL_TIMEOUT_MS = 30_000;

const answerSchema = envelope(enrollResponseSchema);
const fetchErrorSchema = z.object({ cause: z.object({ message: z.string() }) });

/** @throws Failure with the reason, in words that say what to do. */
export async function requestEnrollment(origin: string, request: EnrollRequest): Promise<EnrollResponse> {
  const url = origin + AGENT_PATHS.enroll;
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(request),
      redirect: "manual",
      signal: AbortSignal.timeout(ENROLL_TIMEOUT_MS),
    });
    text = await response.text();
  } catch (error) {
    throw new Failure(`cannot reach ${origin}: ${networkWords(error)}`);
  }
  return readAnswer(origin, response, text);
}

function readAnswer(origin: string, response: Response, text: string): EnrollResponse {
  const json = parseJson(text);
  if (response.ok) {
    const answer = answerSchema.safeParse(json);
    if (answer.success) return answer.data.data;
    throw new Failure(
      `${origin} answered HTTP ${response.status}, but not as a Farhand control plane does: is the address right, or is a captive portal in between?`,
    );
  }
  const problem = problemSchema.safeParse(json);
  if (problem.success) {
    const { detail, code, requestId } = problem.data;
    throw new Failure(`${origin} refused: ${detail} (${code}, request ${requestId})`);
  }
  const to = response.headers.get("location");
  throw new Failure(
    `${origin} answered HTTP ${response.status}${to ? `, a redirect to ${to}` : ""}: is this the address of a Farhand control plane?`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function networkWords(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `no answer within ${ENROLL_TIMEOUT_MS / 1000} s`;
  }
  const result = fetchErrorSchema.safeParse(error);
  if (result.success && result.data.cause.message) return result.data.cause.message;
  return error instanceof Error ? error.message : "unknown error";
}
