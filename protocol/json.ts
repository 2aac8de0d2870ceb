import { z } from "zod";
import { JSON_DEPTH_MAX } from "./limits.ts";

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/**
 * Why data that came as JSON is not looked at any further, in words that go on
 * from what it is: it would go too deep, or get lost on its way through objects.
 */
export function jsonProblem(data: unknown, levels = JSON_DEPTH_MAX): string | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  if (levels === 0) return `is nested deeper than ${JSON_DEPTH_MAX} levels`;
  if (Object.hasOwn(data, "__proto__")) return 'has a key named "__proto__"';
  for (const value of Object.values(data)) {
    const problem = jsonProblem(value, levels - 1);
    if (problem) return problem;
  }
  return undefined;
}

const utf8 = new TextEncoder();

/** Bytes of JSON data in UTF-8. */
export function jsonBytes(data: unknown): number {
  return utf8.encode(JSON.stringify(data)).length;
}

/** Any JSON. Named, because it holds itself: the API's document says it once. */
export const jsonSchema: z.ZodType<Json> = z
  .lazy(() =>
    z.union([
      z.string(),
      z.number(),
      z.boolean(),
      z.null(),
      z.array(jsonSchema),
      z.record(z.string(), jsonSchema),
    ]),
  )
  .meta({ id: "Json" });
