import { z } from "zod";

/**
 * Every error code the API can answer with, and its HTTP status. Codes are
 * public API: they never change meaning. The type is what keeps a status from
 * being chosen anywhere else.
 */
export const ERROR_STATUS = {
  invalid_request: 400,
  malformed_json: 400,
  invalid_cursor: 400,
  unauthenticated: 401,
  invalid_api_key: 401,
  invalid_assertion: 401,
  invalid_join_token: 401,
  insufficient_scope: 403,
  forbidden: 403,
  origin_not_allowed: 403,
  agent_revoked: 403,
  agent_quarantined: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  idempotency_conflict: 409,
  invalid_state: 409,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  invalid_runbook: 422,
  invalid_parameters: 422,
  no_such_pool: 422,
  invalid_signature: 422,
  /** Of HTTP: this address speaks WebSocket. */
  upgrade_required: 426,
  /** Of the protocol: agent and control plane share no version of it. */
  version_unsupported: 426,
  precondition_required: 428,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof ERROR_STATUS;

const errorCodes = Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]];

/** One thing wrong with the input: where, in words, and the source position where there is one. */
export const problemIssueSchema = z.object({
  path: z.string().describe("Where in the input, as a JSON pointer; empty for the whole."),
  message: z.string(),
  line: z.number().int().optional().describe("Line in a Markdown source, from 1."),
  column: z.number().int().optional().describe("Column in a Markdown source, from 1."),
});

/** RFC 9457 problem details, with Farhand's stable code and the request's id. */
export const problemSchema = z.object({
  type: z.string().describe("A URI that names the kind of problem."),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().describe("What was wrong and what to do about it."),
  code: z.enum(errorCodes),
  requestId: z.string(),
  issues: z.array(problemIssueSchema).optional(),
});

export type ProblemIssue = z.infer<typeof problemIssueSchema>;
export type Problem = z.infer<typeof problemSchema>;
