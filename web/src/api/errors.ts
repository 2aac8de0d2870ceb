/** What can go wrong between the app and the API, as types that views switch on. */
import { type ErrorCode, type Problem, type ProblemIssue, problemSchema } from "#protocol/errors.ts";

/** The API answered with a problem. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly requestId: string;
  readonly issues: readonly ProblemIssue[];

  constructor(problem: Problem) {
    super(problem.detail);
    this.code = problem.code;
    this.status = problem.status;
    this.requestId = problem.requestId;
    this.issues = problem.issues ?? [];
  }
}

/** No answer came, or one that is not of this API: a network that is down, a proxy in between. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/** Reads a failed answer: the problem it holds, or that it holds none. */
export async function errorOf(response: Response): Promise<ApiError | UnreachableError> {
  const parsed = problemSchema.safeParse(await response.json().catch(() => undefined));
  if (parsed.success) return new ApiError(parsed.data);
  return new UnreachableError(`Farhand could not be reached (HTTP ${response.status}).`);
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.code === "not_found";
}

/** A sentence for people. Only what the API wrote for them is shown; anything else stays in the console. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError || error instanceof UnreachableError) return error.message;
  return "Something went wrong in this page. Reload it and try again.";
}
