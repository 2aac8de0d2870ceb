/** What the answer to an `api` block means. */
import type { AttemptOutcome, StepValues } from "../data.ts";
import { VALUES_DEPTH_MAX, VALUES_MAX_BYTES } from "../limits.ts";
import type { ApiFields } from "./request.ts";

/** Bytes of an answer that are read unless its block says otherwise. */
export const ANSWER_DEFAULT_BYTES = 1024 * 1024;

export type Values = { ok: true; values: StepValues | undefined } | { ok: false; detail: string };

export interface Judged {
  outcome: Extract<AttemptOutcome, { type: "answered" }>;
  values?: StepValues;
}

/**
 * What an answer comes to: a success needs a status that means success, and all
 * of the block's outputs.
 * @param body what was read of it
 * @param isCut it went on past that
 */
export function judgeAnswer(
  block: Pick<ApiFields, "expect" | "outputs">,
  status: number,
  body: Uint8Array,
  isCut: boolean,
): Judged {
  const outcome = { type: "answered", status, expected: isExpected(block, status) } as const;
  if (!outcome.expected) return { outcome };
  const taken =
    isCut && block.outputs
      ? failure(
          `the answer is longer than the ${body.byteLength} bytes that are read, so no outputs can be taken from it`,
        )
      : valuesOf(block, body);
  if (!taken.ok) return { outcome: { ...outcome, expected: false, detail: taken.detail } };
  return { outcome, ...(taken.values && { values: taken.values }) };
}

/** True for a status that means success: one of `expect`, or any of 200–299. */
export function isExpected({ expect }: Pick<ApiFields, "expect">, status: number): boolean {
  return expect ? expect.includes(status) : status >= 200 && status <= 299;
}

/**
 * The values that the block takes from an answer's body. All of them or none:
 * a later step cannot tell a value that is missing from one that is empty.
 * @returns `ok: false` with words for people when one cannot be taken
 */
export function valuesOf({ outputs }: Pick<ApiFields, "outputs">, body: Uint8Array): Values {
  if (!outputs) return { ok: true, values: undefined };
  const document = parsed(body);
  if (!document.ok) return document;
  const values: [string, StepValues[string]][] = [];
  for (const [name, pointer] of Object.entries(outputs)) {
    const value = valueAt(document.value, pointer);
    if (value === undefined) {
      return failure(`it did not hand on "${name}": the answer has nothing at ${pointer || "its root"}`);
    }
    const problem = problemOf(value);
    if (problem) return failure(`what the answer has at ${pointer} ${problem}`);
    values.push([name, value]);
  }
  const all = Object.fromEntries(values);
  const bytes = new TextEncoder().encode(JSON.stringify(all)).byteLength;
  if (bytes > VALUES_MAX_BYTES) {
    return failure(`its outputs come to ${bytes} bytes; a step hands on at most ${VALUES_MAX_BYTES}`);
  }
  return { ok: true, values: all };
}

/**
 * What an RFC 6901 pointer leads to; undefined when there is nothing.
 * @param document what `JSON.parse` returned
 */
export function valueAt(document: StepValues[string], pointer: string): StepValues[string] | undefined {
  let value: StepValues[string] | undefined = document;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(value)) value = /^(?:0|[1-9]\d*)$/.test(key) ? value[Number(key)] : undefined;
    else if (typeof value === "object" && value !== null && Object.hasOwn(value, key)) value = value[key];
    else return undefined;
  }
  return value;
}

function parsed(body: Uint8Array): { ok: true; value: StepValues[string] } | { ok: false; detail: string } {
  if (body.byteLength === 0) return failure("the answer has no body to take outputs from");
  try {
    return {
      ok: true,
      value: JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body)),
    };
  } catch {
    return failure("the answer's body is not JSON, so no outputs can be taken from it");
  }
}

/** Why a value cannot be handed on as it is. */
function problemOf(value: StepValues[string], depth = 0): string | undefined {
  if (typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    return "holds a number too large to be kept exactly; have it sent as text";
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (Object.hasOwn(value, "__proto__")) return 'has a key named "__proto__"';
  if (depth === VALUES_DEPTH_MAX) return `is nested deeper than ${VALUES_DEPTH_MAX} levels`;
  for (const part of Object.values(value)) {
    const problem = problemOf(part, depth + 1);
    if (problem) return problem;
  }
  return undefined;
}

function failure(detail: string): { ok: false; detail: string } {
  return { ok: false, detail };
}
