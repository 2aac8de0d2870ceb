/** Files in YAML that a person wrote for this host: what is wrong in them is told all at once, each with its line. Pure. */
import { basename } from "node:path";
import { z } from "zod";
import { IssueList } from "#protocol/runbook/issues.ts";
import { findOrigin, type Origin } from "#protocol/runbook/origin.ts";
import { hasOwnWords, innermost, oneOf, sentenceOf } from "#protocol/runbook/sentences.ts";
import { readYaml } from "#protocol/runbook/yaml.ts";
import { nearest } from "./suggest.ts";

export type ParsedFile<T> =
  | { ok: true; data: T; origin: Origin }
  /** Each as `policy.yaml:3:5 what is wrong`. */
  | { ok: false; problems: string[] };

/**
 * @param path of the file; people see its last part
 * @param noun what the file is, as in `a policy`
 */
export function parseYamlFile<T>(
  bytes: Uint8Array,
  path: string,
  schema: z.ZodType<T>,
  noun: string,
): ParsedFile<T> {
  const name = basename(path);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { ok: false, problems: [`${name}: this is not UTF-8; save it as UTF-8 text`] };
  }
  const issues = new IssueList();
  const { value = {}, origin } = readYaml(text, (line, column) => ({ line, column }), issues);
  const result = schema.safeParse(value ?? {}, { reportInput: true });
  if (result.success && issues.empty) return { ok: true, data: result.data, origin };
  const wrong = new Wrong(origin, issues, noun, (path) => knownKeys(schema, path, value));
  for (const issue of result.error?.issues ?? []) wrong.add(innermost(issue));
  return {
    ok: false,
    problems: issues.list().map((each) => `${name}:${each.line}:${each.column} ${each.message}`),
  };
}

/** Puts what a schema refuses into words, at the line where it stands. */
class Wrong {
  readonly #origin: Origin;
  readonly #issues: IssueList;
  readonly #noun: string;
  readonly #known: (path: readonly PropertyKey[]) => string[];

  constructor(
    origin: Origin,
    issues: IssueList,
    noun: string,
    known: (path: readonly PropertyKey[]) => string[],
  ) {
    this.#origin = origin;
    this.#issues = issues;
    this.#noun = noun;
    this.#known = known;
  }

  add(issue: z.core.$ZodIssue): void {
    const { at, isTold, isWritten } = findOrigin(this.#origin, issue.path);
    if (isTold) return;
    const subject = subjectOf(issue.path) || this.#noun;
    if (issue.code === "unrecognized_keys") {
      const known = this.#known(issue.path);
      for (const key of issue.keys) {
        const place = findOrigin(this.#origin, [...issue.path, key]).at;
        this.#issues.add(place, unknownWords(key, subject, known));
      }
      return;
    }
    this.#issues.add(at, wordsOf(issue, subject, !isWritten));
  }
}

/** Such as `"limits timeout"`, `entry 2 of "blocks"` and `"type" of entry 1 of "providers"`. */
function subjectOf(path: readonly PropertyKey[]): string {
  let entries = "";
  let keys: string[] = [];
  for (const key of path) {
    if (typeof key === "number") {
      entries = ` of entry ${key + 1}${quoted(keys)}${entries}`;
      keys = [];
    } else keys.push(String(key));
  }
  return `${quoted(keys)}${entries}`.replace(/^ of /, "");
}

/** Keys one below the other, to be gone on with. */
function quoted(keys: readonly string[]): string {
  return keys.length === 0 ? "" : ` of "${keys.join(" ")}"`;
}

function wordsOf(issue: z.core.$ZodIssue, subject: string, isMissing: boolean): string {
  if (issue.code === "custom") return `${subject}: ${issue.message}`;
  if (issue.code === "invalid_type" && !isMissing && hasOwnWords(issue))
    return `${subject}: ${issue.message}`;
  if (issue.code === "invalid_union" && !isMissing) {
    // Which kind it is stands in one of its keys, and that names none.
    if ("options" in issue && issue.discriminator !== undefined) {
      const options = issue.options?.map(String) ?? [];
      return `${subject} must be ${oneOf(options)}${guess(partOf(issue.input, issue.discriminator), options)}`;
    }
    if (hasOwnWords(issue)) return `${subject}: ${issue.message}`;
  }
  const words = sentenceOf(issue, { subject, isMissing });
  return issue.code === "invalid_value" ? `${words}${guess(issue.input, issue.values.map(String))}` : words;
}

function unknownWords(key: string, subject: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  const advice = meant === undefined ? `it may have ${known.join(", ")}` : `did you mean "${meant}"?`;
  return `${subject} has no key "${key.slice(0, 60)}"; ${advice}`;
}

function guess(written: unknown, options: readonly string[]): string {
  const meant = typeof written === "string" ? nearest(written, options) : undefined;
  return meant === undefined ? "" : `; did you mean "${meant}"?`;
}

/** The keys that there may be at this place, as the JSON Schema of the file lists them. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): string[] {
  let here = shapeSchema.parse(z.toJSONSchema(schema, { io: "input" }));
  let written = value;
  for (const key of path) {
    here = (typeof key === "number" ? here.items : here.properties?.[String(key)]) ?? {};
    written = partOf(written, key);
    here = here.oneOf?.find((each) => fits(each, written)) ?? here;
  }
  return Object.keys(here.properties ?? {});
}

/** Whether what was written says that it is of this kind. */
function fits({ properties = {} }: Shape, written: unknown): boolean {
  return Object.entries(properties).every(
    ([key, part]) => part.const === undefined || part.const === partOf(written, key),
  );
}

function partOf(value: unknown, key: PropertyKey): unknown {
  const isThere = typeof value === "object" && value !== null && Object.hasOwn(value, key);
  return isThere ? Reflect.get(value, key) : undefined;
}

interface Shape {
  properties?: Record<string, Shape> | undefined;
  items?: Shape | undefined;
  /** The kinds that it may be of, each with a `const` in it. */
  oneOf?: Shape[] | undefined;
  const?: unknown;
}
const shapeSchema: z.ZodType<Shape> = z.lazy(() =>
  z.object({
    properties: z.record(z.string(), shapeSchema).optional(),
    items: shapeSchema.optional(),
    oneOf: z.array(shapeSchema).optional(),
    const: z.unknown().optional(),
  }),
);
