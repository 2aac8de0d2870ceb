/** Reading what a request brings: each failure says what was wrong and what to do. */
import type { z } from "zod";
import { jsonProblem } from "#protocol/json.ts";
import { REQUEST_MAX_BYTES } from "#protocol/limits.ts";
import { ApiError } from "../errors.ts";
import { issueOf } from "./inputWords.ts";

/** Other media types that a body may have, and what such a text is as JSON. */
export type TextForms = Readonly<Record<string, (text: string) => unknown>>;

/**
 * The JSON in a request's body, not yet checked against a schema; `{}` for no
 * body where that is `optional`.
 * @throws ApiError `unsupported_media_type`, `payload_too_large`, `malformed_json`
 */
export async function readJson(request: Request, optional = false, forms: TextForms = {}): Promise<unknown> {
  const bytes = await readBody(request);
  if (bytes.length === 0 && optional) return {};
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (Object.hasOwn(forms, type)) return forms[type]?.(decodeUtf8(bytes));
  if (type !== "application/json") {
    const others = Object.keys(forms).map((form) => `, or as ${form}`);
    throw new ApiError(
      "unsupported_media_type",
      `Send the body as JSON, with Content-Type: application/json${others.join("")}.`,
    );
  }
  if (bytes.length === 0) throw new ApiError("malformed_json", "The body is empty: send a JSON object.");
  const text = decodeUtf8(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "";
    throw new ApiError("malformed_json", `The body is not valid JSON: ${reason}`);
  }
  const problem = jsonProblem(value);
  if (problem) throw new ApiError("malformed_json", `The body ${problem}. Send it without.`);
  if (LONE_SURROGATE.test(text) && !isWellFormed(value)) {
    throw new ApiError(
      "malformed_json",
      "The body has half of a surrogate pair (\\ud800–\\udfff) in a text.",
    );
  }
  return value;
}

/** Checks a value against a schema. @throws ApiError `invalid_request` with an issue for each problem. */
export function parseInput<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => issueOf(issue, value, where));
  const detail = `The ${where} is not as expected: ${issues[0]?.message}.`;
  throw new ApiError("invalid_request", detail, { issues });
}

async function readBody(request: Request): Promise<Uint8Array> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > REQUEST_MAX_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > REQUEST_MAX_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  const [only] = chunks;
  return only && chunks.length === 1 ? only : Buffer.concat(chunks, size);
}

function tooLarge(): ApiError {
  const detail = `The body is over ${REQUEST_MAX_BYTES / 1024 / 1024} MiB. Send less at once.`;
  return new ApiError("payload_too_large", detail);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new ApiError("malformed_json", "The body is not UTF-8.");
  }
}

const LONE_SURROGATE = /\\u[dD][89a-fA-F]/;

/** False when some text in the value is not Unicode. */
function isWellFormed(root: unknown): boolean {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === "string" && !value.isWellFormed()) return false;
    if (typeof value === "object" && value !== null)
      open.push(...Object.keys(value), ...Object.values(value));
  }
  return true;
}
