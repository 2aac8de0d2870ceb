/** Why expressions have no result, and how much each may do. */
import { JSON_DEPTH_MAX } from "./limits.ts";

/** Why an expression has no result, in words for the person who wrote it. */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
}

/** Data of messages, and what expressions have put around it. */
export const DATA_DEPTH_MAX = 2 * JSON_DEPTH_MAX;

/** Most units of work of one evaluation, as `expressionBudget.ts` counts them. */
export const EXPRESSION_WORK_MAX = 400_000;

/** Most characters of any text that comes up in an evaluation, and of its result as a whole. */
export const EXPRESSION_TEXT_MAX = 1024 * 1024;

/** Most values in the data that an expression looks at. */
export const EXPRESSION_DATA_MAX = 200_000;
