import { describe, expect, test } from "vitest";
import { SOURCE_MAX_BYTES } from "../limits.ts";
import { parseRunbook } from "./markdown.ts";

/** As much of `unit` as a source may hold, between two texts. */
function full(unit: string, before = "", after = ""): string {
  const room = SOURCE_MAX_BYTES - before.length - after.length;
  return before + unit.repeat(Math.floor(room / unit.length)) + after;
}

const markdown = [
  "[",
  "![",
  ">",
  "> ",
  "- ",
  "- a ",
  "1. ",
  "-\n",
  "a\n=\n",
  "# a\n",
  "*",
  "`",
  "```\n",
  "<",
  "<!--\n",
  "\t",
  "[a]: b\n",
  "- a\n\n",
  "> - ",
  "&",
  "```sh\nx\n```\n",
  "<!-- name=x -->\n",
];
const yaml = [
  "[",
  "{",
  "- ",
  "a:\n",
  '"',
  "!a ",
  "&a ",
  ": ",
  "? ",
  "#\n",
  "- a\n",
  "x: *a\n",
  "a: {b: ",
  "'",
  "|\n",
  "\t",
];
const info = ["a=b ", 'a="', 'a="\\', "{", "=", "x "];

const laughs = Array.from({ length: 25 }, (_, i) => `b${i}: &b${i} [*b${i - 1}, *b${i - 1}]`).join("\n");
const keys = Array.from({ length: 40_000 }, (_, i) => `k${i}: 1`).join("\n");

const xy = Array.from({ length: 4096 }, (_, i) => ((i * i * 7) % 11 < 5 ? "x" : "y")).join("");
const patterns = ["(?:[xy]*x[xy]{10}){80}", ".{0,999}x".repeat(55), `(${".".repeat(480)}){1000}`]
  .flatMap((pattern) => Array.from({ length: 21 }, () => pattern))
  .map((pattern, i) => `- { name: p${i}, type: string, pattern: "${pattern}", default: ${xy} }`)
  .join("\n");

const sources: Array<[name: string, source: string]> = [
  ...markdown.map((unit): [string, string] => [`Markdown ${JSON.stringify(unit)}`, full(unit)]),
  ...yaml.map((unit): [string, string] => [
    `front matter ${JSON.stringify(unit)}`,
    full(unit, "---\n", "\n---\n"),
  ]),
  ...yaml.map((unit): [string, string] => [
    `block ${JSON.stringify(unit)}`,
    full(unit, "```farhand\n", "\n```\n"),
  ]),
  ...info.map((unit): [string, string] => [`info ${JSON.stringify(unit)}`, full(unit, "```bash {")]),
  ["a billion laughs", `---\n${laughs}\n---\n`],
  ["costly patterns", `---\nparameters:\n${patterns}\n---\n`],
  ["one long pattern", full("[", "---\nparameters:\n- { name: p, type: string, pattern: '", "' }\n---\n")],
  ["many keys", `---\n${keys}\n---\n`],
  ["a staircase of lists", Array.from({ length: 700 }, (_, i) => `${" ".repeat(i * 2)}- a`).join("\n")],
];

describe("hostile sources", () => {
  // What takes more than linear time does not come back within the time limit of a test.
  test.each(sources)("%s is refused or read", (_name, source) => {
    const parsed = parseRunbook(source);
    if (!parsed.ok) expect(parsed.issues.length).toBeGreaterThan(0);
  });

  test("nothing reaches the prototype of anything", () => {
    parseRunbook("---\nconstructor: { prototype: { polluted: 1 } }\n__proto__: { polluted: 1 }\n---\n");
    expect("polluted" in {}).toBe(false);
  });
});
