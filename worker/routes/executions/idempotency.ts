import { z } from "zod";
import type { AppContext } from "../../context.ts";
import { ApiError } from "../../errors.ts";

export const idempotencyHeaderSchema = z.object({
  "idempotency-key": z
    .string()
    .optional()
    .describe("A repeat with the same key and body answers with the execution that the first one started."),
});

/** @throws ApiError `invalid_request` for a header that is no key */
export function idempotencyKeyOf(c: AppContext): string | undefined {
  const header = c.req.header("idempotency-key");
  if (header === undefined || /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new ApiError(
    "invalid_request",
    "An Idempotency-Key is 1–255 visible ASCII characters without spaces.",
  );
}
