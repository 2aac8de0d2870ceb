/** The YAML between two lines of `---` at the top of a page. */
import { FRONT_MATTER_FIELDS } from "./groups.ts";
import type { IssueList, Position } from "./issues.ts";
import { type Origin, originAt } from "./origin.ts";
import { readSet } from "./readFields.ts";
import { readYaml } from "./yaml.ts";

export interface FrontMatter {
  /** Fields of the document, as far as they could be read. */
  fields: Record<string, unknown>;
  origin: Origin;
  /** Where the page goes on. */
  body: string;
  bodyLine: number;
}

const FENCE = /^---[ \t]*$/;
const START: Position = { line: 1, column: 1 };

/** The line that ends the front matter, from 0; -1 when there is none, undefined when none is begun. */
export function frontMatterEnd(lines: readonly string[]): number | undefined {
  if (!FENCE.test(lines[0] ?? "")) return undefined;
  return lines.findIndex((line, index) => index > 0 && FENCE.test(line));
}

export function readFrontMatter(source: string, issues: IssueList): FrontMatter {
  const none: FrontMatter = { fields: {}, origin: originAt(START), body: source, bodyLine: 1 };
  const lines = source.split("\n");
  const end = frontMatterEnd(lines);
  if (end === undefined) return none;
  if (end < 0) {
    // A page may begin with a rule; one that begins with keys has forgotten the second line.
    if (/^[A-Za-z_-]+:/.test(lines[1] ?? "")) {
      issues.add(START, "the front matter is never closed; end it with a line of ---");
    }
    return none;
  }
  const text = lines.slice(1, end).join("\n");
  const yaml = readYaml(text, (line, column) => ({ line: line + 1, column }), issues);
  const isSet = typeof yaml.value === "object" && yaml.value !== null && !Array.isArray(yaml.value);
  if (!isSet && yaml.value !== null && yaml.value !== undefined) {
    const known = FRONT_MATTER_FIELDS.map(({ word }) => word).join(", ");
    issues.add(yaml.origin.at, `front matter is a set of \`key: value\` lines: ${known}`);
  }
  const { value, origin } = readSet(yaml, FRONT_MATTER_FIELDS, issues);
  return { fields: value, origin, body: lines.slice(end + 1).join("\n"), bodyLine: end + 2 };
}
