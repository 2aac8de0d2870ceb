/** Reads the text of a policy. Pure. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { z } from "zod";
import { IssueList, type Position } from "#protocol/runbook/issues.ts";
import { findOrigin, type Origin } from "#protocol/runbook/origin.ts";
import { innermost, sentenceOf } from "#protocol/runbook/sentences.ts";
import { readYaml } from "#protocol/runbook/yaml.ts";
import { type Policy, policyOf } from "./policy.ts";
import { policySchema } from "./schema.ts";
import { nearest } from "./suggest.ts";

export type ParsedPolicy =
  | { ok: true; policy: Policy }
  /** Each as `policy.yaml:3:5 what is wrong`. */
  | { ok: false; problems: string[] };

/** @param path of the file; people see its last part */
export function parsePolicy(bytes: Uint8Array, path: string): ParsedPolicy {
  const name = basename(path);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { ok: false, problems: [`${name}: this is not UTF-8; save it as UTF-8 text`] };
  }
  const issues = new IssueList();
  const { value, origin } = readYaml(text, (line, column) => ({ line, column }), issues);
  const result = policySchema.safeParse(value ?? {}, { reportInput: true });
  if (!result.success) {
    for (const issue of result.error.issues) report(innermost(issue), origin, issues);
  }
  if (!result.success || !issues.empty) {
    return {
      ok: false,
      problems: issues.list().map((each) => `${name}:${each.line}:${each.column} ${each.message}`),
    };
  }
  const digest = createHash("sha256").update(bytes).digest("hex");
  return { ok: true, policy: policyOf(result.data, digest, name, origin) };
}

function report(issue: z.core.$ZodIssue, origin: Origin, issues: IssueList): void {
  const { at, name, isTold, isWritten } = findOrigin(origin, issue.path);
  if (isTold) return;
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(issue.path);
    for (const key of issue.keys) {
      issues.add(positionOf(origin, [...issue.path, key]), unknownWords(key, name, known));
    }
    return;
  }
  const words =
    issue.code === "custom"
      ? `${quoted(name)}: ${issue.message}`
      : sentenceOf(issue, { subject: quoted(name), isMissing: !isWritten });
  issues.add(at, `${words}${issue.code === "invalid_value" ? guess(issue) : ""}`);
}

function unknownWords(key: string, within: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  const where = within === "" ? "a policy has" : `${quoted(within)} has`;
  const advice = meant === undefined ? `it may have ${known.join(", ")}` : `did you mean "${meant}"?`;
  return `${where} no key "${key.slice(0, 60)}"; ${advice}`;
}

function guess({ input, values }: z.core.$ZodIssueInvalidValue): string {
  const meant = typeof input === "string" ? nearest(input, values.map(String)) : undefined;
  return meant === undefined ? "" : `; did you mean "${meant}"?`;
}

/** The keys that a policy may have at this place, as its JSON Schema lists them. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let here = shapeSchema.parse(z.toJSONSchema(policySchema, { io: "input" }));
  for (const key of path) {
    here = (typeof key === "number" ? here.items : here.properties?.[String(key)]) ?? {};
  }
  return Object.keys(here.properties ?? {});
}

interface Shape {
  properties?: Record<string, Shape> | undefined;
  items?: Shape | undefined;
}
const shapeSchema: z.ZodType<Shape> = z.lazy(() =>
  z.object({ properties: z.record(z.string(), shapeSchema).optional(), items: shapeSchema.optional() }),
);

function positionOf(origin: Origin, path: readonly PropertyKey[]): Position {
  return findOrigin(origin, path).at;
}

function quoted(name: string): string {
  return name === "" ? "a policy" : `"${name}"`;
}
