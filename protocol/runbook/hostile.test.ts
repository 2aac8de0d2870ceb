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

/** A block that goes `levels` deep, in the ways that YAML has for it. */
const deep = (levels: number): Array<[string, string]> => [
  ["lists in one line", "- ".repeat(levels)],
  ["keys in one line", "? ".repeat(levels)],
  ["brackets", "[".repeat(levels) + "]".repeat(levels)],
  ["braces", "{a: ".repeat(levels) + "}".repeat(levels)],
  [
    "indented keys",
    Array.from({ length: Math.min(levels, 900) }, (_, i) => `${" ".repeat(i)}then:`).join("\n"),
  ],
  ["indented lists", Array.from({ length: Math.min(levels, 700) }, (_, i) => `${" ".repeat(i)}-`).join("\n")],
];
const inFence = (yaml: string) =>
  `\`\`\`farhand\nkind: condition\nif: "true"\nthen:\n ${yaml.replaceAll("\n", "\n ")}\n\`\`\``;

/** As many expressions as fit, each as large as it may be. */
const costly = ["a.b".repeat(300), "[1]".padEnd(900, ".map(a,a)"), "(".repeat(900), "1+".repeat(450)];
const expressions = costly.flatMap((text) =>
  Array.from({ length: 100 }, (_, i) => `- { kind: command, script: ls, when: "${text} ${i}" }`),
);

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
  ...[100, 10_000, 30_000].flatMap((levels) =>
    deep(levels).map(([name, yaml]): [string, string] => [`${levels} ${name}`, inFence(yaml)]),
  ),
  ["costly expressions", inFence(expressions.join("\n"))],
  ["a huge list", inFence(full("- 1\n", "", " ".repeat(120_000)).slice(0, 100_000))],
  ["many blocks", inFence("- { kind: timer, duration: 1s }\n".repeat(9_000))],
  ["many parameters", full("- { name: a, type: string }\n", "---\nparameters:\n", "---\n")],
  ["long lists in attributes", full("1,", "```bash {exit-codes=", "1}\nls\n```")],
  ["many keys", `---\n${keys}\n---\n`],
  ["a staircase of lists", Array.from({ length: 700 }, (_, i) => `${" ".repeat(i * 2)}- a`).join("\n")],
];

describe("hostile sources", () => {
  // What takes more than linear time does not come back within the time limit of a test.
  test.each(sources)("%s is refused or read", (_name, source) => {
    const parsed = parseRunbook(source);
    if (!parsed.ok) expect(parsed.issues.length).toBeGreaterThan(0);
  });

  test.each([...deep(100).filter(([name]) => name !== "keys in one line"), ...deep(10_000)])(
    "%s too deep are told",
    (_name, yaml) => {
      const parsed = parseRunbook(inFence(yaml));
      expect(parsed.ok).toBe(false);
      if (!parsed.ok) expect(parsed.issues.map(({ message }) => message).join()).toMatch(/simpler/);
    },
  );

  test.each(["constructor", "toString", "valueOf", "__proto__"])(
    "a block or a word named %s is none",
    (word) => {
      for (const yaml of [
        `kind: ${word}`,
        `kind: timer\nduration: 1s\n${word}: 1`,
        `kind: timer\nduration: 1s\nwhen: params.${word}`,
      ]) {
        expect(parseRunbook(`\`\`\`farhand\n${yaml}\n\`\`\``).ok).toBe(false);
      }
    },
  );

  test("nothing reaches the prototype of anything", () => {
    const block =
      "kind: command\nscript: ls\nenv: { __proto__: { polluted: 1 } }\n__proto__: { polluted: 1 }";
    expect(parseRunbook(`\`\`\`farhand\n${block}\n\`\`\``)).toEqual({
      ok: false,
      issues: [4, 5].map((line) => ({
        path: "",
        line,
        column: line === 4 ? 8 : 1,
        message: '"__proto__" cannot be a key; choose another name',
      })),
    });
    parseRunbook("---\nconstructor: { prototype: { polluted: 1 } }\n__proto__: { polluted: 1 }\n---\n");
    expect("polluted" in {}).toBe(false);
  });

  test("a second document in a fence is refused, not left out", () => {
    const parsed = parseRunbook("```farhand\nkind: timer\nduration: 1s\n---\nkind: command\nscript: ls\n```");
    expect(parsed.ok ? [] : parsed.issues).toMatchObject([
      { line: 4, message: expect.stringContaining("remove the line ---") },
    ]);
  });
});
