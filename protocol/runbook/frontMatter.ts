/** The YAML between two lines of `---` at the top of a page. */
import type { IssueList, Position } from "./issues.ts";
import { unknownField } from "./sentences.ts";
import { readYaml, type Yaml } from "./yaml.ts";

export const FRONT_MATTER_FIELDS = ["title", "description", "parameters", "target"] as const;
type FrontMatterField = (typeof FRONT_MATTER_FIELDS)[number];

export interface FrontMatter {
  fields: Partial<Record<FrontMatterField, unknown>>;
  locate: Yaml["locate"];
  /** Where the page goes on. */
  body: string;
  bodyLine: number;
}

const FENCE = /^---[ \t]*$/;
const START: Position = { line: 1, column: 1 };

export function readFrontMatter(source: string, issues: IssueList): FrontMatter {
  const none: FrontMatter = { fields: {}, locate: () => START, body: source, bodyLine: 1 };
  const lines = source.split("\n");
  if (!FENCE.test(lines[0] ?? "")) return none;
  const end = lines.findIndex((line, index) => index > 0 && FENCE.test(line));
  if (end < 0) {
    // A page may begin with a rule; one that begins with keys has forgotten the second line.
    if (/^[A-Za-z_-]+:/.test(lines[1] ?? "")) {
      issues.add(START, "the front matter is never closed; end it with a line of ---");
    }
    return none;
  }
  const text = lines.slice(1, end).join("\n");
  const yaml = readYaml(text, (line, column) => ({ line: line + 1, column }), issues);
  return {
    fields: pickFields(yaml, issues),
    locate: yaml.locate,
    body: lines.slice(end + 1).join("\n"),
    bodyLine: end + 2,
  };
}

function pickFields(yaml: Yaml, issues: IssueList): FrontMatter["fields"] {
  if (yaml.value === undefined || yaml.value === null) return {};
  if (typeof yaml.value !== "object" || Array.isArray(yaml.value)) {
    issues.add(
      yaml.locate([]),
      `front matter is a set of \`key: value\` lines: ${FRONT_MATTER_FIELDS.join(", ")}`,
    );
    return {};
  }
  const fields: FrontMatter["fields"] = {};
  for (const [name, value] of Object.entries(yaml.value)) {
    const field = FRONT_MATTER_FIELDS.find((known) => known === name);
    if (!field) issues.add(yaml.locate([name]), unknownField(name, FRONT_MATTER_FIELDS));
    // A key without a value says nothing, as if it were not there.
    else if (value !== null && value !== undefined) fields[field] = value;
  }
  return fields;
}
