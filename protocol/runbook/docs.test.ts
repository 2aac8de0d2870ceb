import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseRunbook, printRunbook } from "./markdown.ts";

const docs = new URL("../../docs/", import.meta.url);
const manual = readFileSync(new URL("runbooks.md", docs), "utf8");
const examples = [...manual.matchAll(/^````markdown\n([\s\S]*?)^````$/gm)].map((match) => match[1] ?? "");
const shownError = /gives\n\n```text\n([\s\S]*?)\n```/.exec(manual)?.[1];

test("every example of the manual parses, and the one that must not gives the errors shown", () => {
  expect(examples).toHaveLength(5);
  const wrong: string[] = [];
  for (const example of examples) {
    const parsed = parseRunbook(example);
    if (parsed.ok) expect(parseRunbook(printRunbook(parsed.document))).toEqual(parsed);
    else wrong.push(...parsed.issues.map((each) => `${each.line}:${each.column} ${each.message}`));
  }
  expect(wrong.join("\n")).toBe(shownError);
});

test.each(readdirSync(new URL("examples/", docs)))("docs/examples/%s parses", (name) => {
  expect(parseRunbook(readFileSync(new URL(`examples/${name}`, docs), "utf8")).ok).toBe(true);
});
