import { z } from "zod";
import { ApiError } from "../../errors.ts";

/** The ETag of a runbook: the number of its latest version. */
export function etagOf(versionNumber: number): string {
  return `"${versionNumber}"`;
}

export const ifMatchHeaderSchema = z.object({
  "if-match": z
    .string()
    .describe('The ETag that the change is based on, e.g. "3"; or * for whatever is there.'),
});

/**
 * What an If-Match header lets through. Weak tags count too: some proxies make
 * strong ones weak.
 * @throws ApiError `precondition_required` when it is missing, `invalid_request` when it is no list of tags
 */
export function ifMatch(header: string | undefined): (versionNumber: number) => boolean {
  if (header === undefined) {
    throw new ApiError(
      "precondition_required",
      'Say which version your change is based on: send the ETag that you read as If-Match, e.g. If-Match: "3".',
    );
  }
  if (header.trim() === "*") return () => true;
  const tags = header.split(",").map((tag) => /^\s*(?:W\/)?("[^"]*")\s*$/.exec(tag)?.[1]);
  if (tags.includes(undefined)) {
    throw new ApiError("invalid_request", 'If-Match must be an ETag in quotes, e.g. "3".');
  }
  return (versionNumber) => tags.includes(etagOf(versionNumber));
}
