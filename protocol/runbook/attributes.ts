/** The line that opens a fence: its language and `{name=check timeout=30s}`. */
import { ATTRIBUTES } from "./fields.ts";
import type { IssueList, Position } from "./issues.ts";
import { languageOf } from "./languages.ts";

export interface Attribute {
  name: string;
  value: string;
  at: Position;
}

/** One attribute: a name, `=`, and a value that is bare or a JSON string. */
const ATTRIBUTE = /[ \t]*([A-Za-z][\w-]*)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^\s"{}]+)/y;

/** A name alone, which says true. */
const LONE_WORD = /[ \t]*([A-Za-z][\w-]*)(?=[ \t}])/y;

/** Braces that only mark lines to highlight: `{1,3-5}`. */
const HIGHLIGHT = /^\{[\d,\s-]*\}/;

/** A title without braces is what other tools show above the code. */
const OWN_WORDS = ATTRIBUTES.map(({ word }) => word).filter((word) => word !== "title");
const FORGOTTEN_BRACES = new RegExp(`^(?:${OWN_WORDS.join("|")})=`);

/**
 * Reads what follows the language in an info string that begins at `at`. Words without braces are other tools'
 * (`title="deploy.sh"`, line highlights) and mean nothing here.
 */
export function readAttributes(info: string, at: Position, issues: IssueList): Attribute[] {
  const rest = info.slice(languageOf(info).length).trimStart();
  const start = at.column + info.length - rest.length;
  const place = (index: number): Position => ({ line: at.line, column: start + index });
  if (FORGOTTEN_BRACES.test(rest)) {
    issues.add(place(0), `put attributes in braces: {${rest.slice(0, 60)}}`);
    return [];
  }
  if (!rest.startsWith("{") || HIGHLIGHT.test(rest)) return [];
  const attributes: Attribute[] = [];
  let index = 1;
  for (;;) {
    ATTRIBUTE.lastIndex = index;
    const match = ATTRIBUTE.exec(rest) ?? loneWord(rest, index);
    if (!match) break;
    const [whole, name = "", written] = match;
    const at = place(index + whole.length - whole.trimStart().length);
    index += whole.length;
    if (written === undefined && !saysTrue(name)) {
      issues.add(at, `"${name}" needs a value: ${name}=…`);
      continue;
    }
    const value = written?.startsWith('"') ? parseString(written) : (written ?? "true");
    if (value === undefined)
      issues.add(at, `the text of "${name}" must be quoted as in JSON: "…", with \\" inside`);
    else attributes.push({ name, value, at });
  }
  const left = rest.slice(index);
  if (!/^[ \t]*\}[ \t]*$/.test(left)) {
    const at = place(index + left.length - left.trimStart().length);
    issues.add(at, 'attributes are written {name=check timeout=30s title="Some words"}; this is none');
  }
  return attributes;
}

function loneWord(text: string, index: number): RegExpExecArray | undefined {
  LONE_WORD.lastIndex = index;
  const match = LONE_WORD.exec(text);
  return match && ATTRIBUTES.some(({ word }) => word === match[1]) ? match : undefined;
}

function saysTrue(name: string): boolean {
  const type = ATTRIBUTES.find(({ word }) => word === name)?.type.is;
  return type === "boolean" || type === "question";
}

/** Attributes as they stand after the language, or "" for none. */
export function printAttributes(attributes: ReadonlyArray<readonly [name: string, value: string]>): string {
  if (attributes.length === 0) return "";
  const words = attributes.map(([name, value]) => `${name}=${isBare(value) ? value : JSON.stringify(value)}`);
  return ` {${words.join(" ")}}`;
}

function isBare(value: string): boolean {
  return /^[A-Za-z0-9/][\w.,/-]*$/.test(value);
}

function parseString(written: string): string | undefined {
  try {
    const value: unknown = JSON.parse(written);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
