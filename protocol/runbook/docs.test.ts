import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { walkBlocks } from "../blocks/index.ts";
import { withFieldTables } from "./fieldDocs.ts";
import { BLOCK_KINDS, KIND_DOCS } from "./fields.ts";
import { parseRunbook, printRunbook } from "./markdown.ts";

const docs = new URL("../../docs/", import.meta.url);
const manualFile = fileURLToPath(new URL("runbooks.md", docs));
const manual = readFileSync(manualFile, "utf8");
const examples = [...manual.matchAll(/^````markdown\n([\s\S]*?)^````$/gm)].map((match) => match[1] ?? "");
const shownError = /gives\n\n```text\n([\s\S]*?)\n```/.exec(manual)?.[1];

test("every example of the manual parses, and the one that must not gives the errors shown", () => {
  const wrong: string[] = [];
  const kinds = new Set<string>();
  for (const example of examples) {
    const parsed = parseRunbook(example);
    if (!parsed.ok) {
      wrong.push(...parsed.issues.map((each) => `${each.line}:${each.column} ${each.message}`));
      continue;
    }
    expect(parsed.warnings).toEqual([]);
    expect(parseRunbook(printRunbook(parsed.document))).toEqual(parsed);
    for (const { block } of walkBlocks(parsed.document.blocks)) kinds.add(block.kind);
  }
  expect(wrong.join("\n")).toBe(shownError);
  expect([...kinds].toSorted()).toEqual(BLOCK_KINDS.toSorted());
});

// `vitest -u` writes the tables anew.
test("the tables of the manual are those of the fields", async () => {
  for (const kind of BLOCK_KINDS) {
    expect(manual).toContain(`<!-- fields: ${kind} -->`);
    expect(manual).toContain(`### ${kind}\n\n${KIND_DOCS[kind]}.`);
  }
  await expect(withFieldTables(manual)).toMatchFileSnapshot(manualFile);
});

test.each(readdirSync(new URL("examples/", docs)))("docs/examples/%s parses", (name) => {
  const parsed = parseRunbook(readFileSync(new URL(`examples/${name}`, docs), "utf8"));
  expect(parsed.ok ? parsed.warnings : parsed.issues).toEqual([]);
});
