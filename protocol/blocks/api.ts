import { z } from "zod";
import { jsonSchema } from "../json.ts";
import { SCRIPT_MAX_BYTES } from "../limits.ts";
import { secretValueSchema } from "../secrets.ts";
import { agentShape, commonShape, outputNameSchema, valueSchema } from "./common.ts";

export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;

const headerNameSchema = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, {
  error: "a header name is letters, digits and hyphens",
});

const pointerSchema = z
  .string()
  .max(500)
  .regex(/^(?:\/(?:[^~]|~[01])*)?$/, {
    error: "an output is a JSON pointer into the answer's body, such as /data/version",
  });

/** A value that may also be a secret, which only the agent that sends the request puts in. */
const sentSchema = z.union([...valueSchema.options, secretValueSchema]);
export type SentValue = z.infer<typeof sentSchema>;

/** An HTTP request, made from the agent's network or from the edge. */
export const apiFieldsSchema = z.strictObject({
  kind: z.literal("api"),
  ...commonShape,
  ...agentShape,
  method: z.enum(METHODS),
  url: valueSchema,
  query: z.record(z.string().min(1).max(200), sentSchema).optional(),
  headers: z.record(headerNameSchema, sentSchema).optional(),
  /** Sent as it stands; say what it is with a content-type header (JSON when it is written as data). */
  body: z.union([...sentSchema.options, z.strictObject({ json: jsonSchema })]).optional(),
  /** Statuses that mean success; any of 200–299 when absent. */
  expect: z.array(z.number().int().min(100).max(599)).min(1).max(32).optional(),
  /** `agent` when absent: from the customer's network. `edge`: from the control plane, to public hosts only. */
  from: z.enum(["agent", "edge"]).optional(),
  /** Values taken from a JSON body by RFC 6901 pointers. */
  outputs: z.record(outputNameSchema, pointerSchema).optional(),
  /** Most bytes of the answer that are read. */
  answerLimitBytes: z
    .number()
    .int()
    .min(1)
    .max(16 * SCRIPT_MAX_BYTES)
    .optional(),
});
