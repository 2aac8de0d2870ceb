/** How a request fails: an `ApiError` anywhere below the entry becomes an RFC 9457 answer. */
import { ERROR_STATUS, type ErrorCode, type Problem, type ProblemIssue } from "#protocol/errors.ts";

interface ErrorExtras {
  issues?: ProblemIssue[];
  headers?: Record<string, string>;
  cause?: unknown;
}

/** A failure the caller is told about. `detail` says what was wrong and what to do. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ErrorCode;
  readonly issues: ProblemIssue[] | undefined;
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, detail: string, extras: ErrorExtras = {}) {
    super(detail, { cause: extras.cause });
    this.code = code;
    this.issues = extras.issues;
    this.headers = extras.headers ?? {};
  }
}

/** The same words whether the thing never existed, was deleted or is somebody else's. */
export function notFound(what: string): ApiError {
  return new ApiError("not_found", `There is no ${what} with this id.`);
}

/** The problem document of an error. */
export function problemOf(error: ApiError, requestId: string): Problem {
  return {
    type: `urn:farhand:problem:${error.code}`,
    title: titleOf(error.code),
    status: ERROR_STATUS[error.code],
    detail: error.message,
    code: error.code,
    requestId,
    ...(error.issues && { issues: error.issues }),
  };
}

export function problemResponse(error: ApiError, requestId: string): Response {
  return new Response(JSON.stringify(problemOf(error, requestId)), {
    status: ERROR_STATUS[error.code],
    headers: { "content-type": "application/problem+json", ...error.headers },
  });
}

/** `not_found` → `Not found`. */
function titleOf(code: ErrorCode): string {
  const words = code.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
