import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BLOCK_KINDS, fieldsOf } from "#protocol/runbook/fields.ts";
import type { FieldType } from "#protocol/runbook/fieldTypes.ts";
import { parseRunbook, printRunbook } from "#protocol/runbook/markdown.ts";
import { documents } from "#protocol/runbook/randomDocuments.ts";
import { findFences } from "#protocol/runbook/structure.ts";
import { type Answer, answersOf, wordsOfAnswers } from "./answers.ts";
import { blockAt, inSlot, slotAt } from "./blockAt.ts";
import { checkForm } from "./checkForm.ts";
import { controlOf } from "./controls.ts";

/** What a form leaves to the source; a new type of field has to be put here, or get a control. */
const LEFT_TO_SOURCE: readonly FieldType["is"][] = ["block", "blocks", "branches"];

const filled = (texts: Record<string, string>): Record<string, Answer> =>
  Object.fromEntries(Object.entries(texts).map(([word, text]) => [word, { text }]));

function insert(marked: string, kind: (typeof BLOCK_KINDS)[number], texts: Record<string, string>) {
  const offset = marked.indexOf("¦");
  const source = marked.replace("¦", "");
  const found = slotAt(source, offset);
  if (!found.ok) return found.problem;
  const checked = checkForm(source, found.slot, { kind, answers: filled(texts), before: {}, isYaml: false });
  if (!checked.ok) return checked.problems;
  return source.slice(0, found.slot.from) + checked.text + source.slice(found.slot.to);
}

function edit(marked: string, texts: Record<string, string>) {
  const offset = marked.indexOf("¦");
  const source = marked.replace("¦", "");
  const found = blockAt(source, offset);
  if (!found.ok) return found.problem;
  const kind = BLOCK_KINDS.find((each) => each === found.words.kind);
  if (!kind) throw new Error("no kind");
  const answers = { ...answersOf(fieldsOf(kind), found.words), ...filled(texts) };
  const { slot, words: before, isYaml } = found;
  const checked = checkForm(source, slot, { kind, answers, before, isYaml });
  if (!checked.ok) return checked.problems;
  return source.slice(0, slot.from) + checked.text + source.slice(slot.to);
}

describe("the form has everything that the tables have", () => {
  test.each(BLOCK_KINDS)("every field of %s", (kind) => {
    const words = Object.keys(answersOf(fieldsOf(kind), {}));
    for (const { word, type } of fieldsOf(kind)) {
      const control = controlOf(type);
      const inside = control.is === "set" ? control.fields.map((each) => `${word}.${each.word}`) : [word];
      const shown = LEFT_TO_SOURCE.includes(type.is) ? [] : inside;
      expect([word, inside.filter((each) => words.includes(each))]).toEqual([word, shown]);
    }
  });

  test("whatever a block holds, an unchanged form leaves it as it was", () => {
    fc.assert(
      fc.property(documents, (document) => {
        const source = printRunbook(document);
        for (const { start } of findFences(source)) {
          const offset = source.split("\n").slice(0, start).join("\n").length + 1;
          const found = blockAt(source, offset);
          if (!found.ok) continue;
          const kind = BLOCK_KINDS.find((each) => each === found.words.kind);
          if (!kind) throw new Error("no kind");
          const { kind: _, ...before } = found.words;
          const { words, problems } = wordsOfAnswers(
            fieldsOf(kind),
            answersOf(fieldsOf(kind), found.words),
            found.words,
          );
          expect({ words, problems }).toEqual({ words: before, problems: {} });
          const { slot, isYaml } = found;
          const answers = answersOf(fieldsOf(kind), found.words);
          const checked = checkForm(source, slot, { kind, answers, before: found.words, isYaml });
          if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
          const edited = source.slice(0, slot.from) + checked.text + source.slice(slot.to);
          expect(parseRunbook(edited)).toMatchObject({ ok: true, document });
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

describe("a new block", () => {
  test("goes behind what the cursor is in, with a blank line around", () => {
    const block = "```sh\n:\n```";
    const answers = { interpreter: "sh", script: ":" };
    expect(insert("¦", "command", answers)).toBe(`${block}\n`);
    expect(insert("# A¦", "command", answers)).toBe(`# A\n\n${block}\n`);
    expect(insert("# A\n\nSo¦me\ntext\n\nmore\n", "command", answers)).toBe(
      `# A\n\nSome\ntext\n\n${block}\n\nmore\n`,
    );
    expect(insert("a\n\n¦\n\nb\n", "command", answers)).toBe(`a\n\n${block}\n\n\nb\n`);
    expect(insert("```bash\nl¦s\n```\nb", "command", answers)).toBe(
      `\`\`\`bash\nls\n\`\`\`\n\n${block}\n\nb`,
    );
    expect(insert("---\nti¦tle: x\n---\nb\n", "command", answers)).toBe(
      `---\ntitle: x\n---\n\n${block}\n\nb\n`,
    );
    expect(insert("---¦\ntitle: x\n---", "command", answers)).toBe(`---\ntitle: x\n---\n\n${block}\n`);
    expect(insert("a¦\n```json\n{}\n```\n", "command", answers)).toBe(
      `a\n\n${block}\n\n\`\`\`json\n{}\n\`\`\`\n`,
    );
    expect(insert("```bash\nl¦s\n", "command", answers)).toMatch(/never closed/);
    expect(insert("```bash\n\n¦", "command", answers)).toMatch(/never closed/);
  });

  test("is printed well, with an example where blocks are needed", () => {
    expect(insert("¦", "timer", { duration: "5m", name: "wait" })).toBe(
      "```farhand\nkind: timer\nname: wait\nduration: 5m\n```\n",
    );
    const condition = insert("¦", "condition", { if: "true" });
    expect(condition).toContain("then:\n  - kind: instruction\n");
    for (const [kind, answers] of [
      ["parallel", {}],
      ["foreach", { items: "[1, 2]" }],
      ["api", { url: "https://a.test/", "retry.max-attempts": "3", headers: "accept: text/plain" }],
      ["approval", { "from.people": "a@b.test, c@d.test", locks: "- deploys", required: "2" }],
      ["instruction", { markdown: "Look.\nAnd look again.", acknowledge: "true" }],
      ["runbook", { runbook: "Other", parameters: "count: 5" }],
    ] as const) {
      const page = insert("¦", kind, answers);
      expect(parseRunbook(String(page)), kind).toMatchObject({ ok: true });
    }
    expect(insert("¦", "instruction", { markdown: "Only text" })).toBe("Only text\n");
    expect(insert("¦", "api", { url: "https://a.test/", "retry.max-attempts": "3" })).toContain(
      "\nretry: 3\n",
    );
  });

  test("says at its fields what is wrong, in the parser's words", () => {
    expect(insert("¦", "command", {})).toEqual({ script: expect.stringMatching(/script/) });
    expect(insert("¦", "api", { url: "nowhere", timeout: "soon", expect: "two" })).toEqual({
      timeout: expect.stringMatching(/^"timeout" must be a time/),
      expect: expect.stringMatching(/expect/),
    });
    expect(insert("¦", "api", { url: "nowhere" })).toEqual({ url: expect.any(String) });
    expect(insert("¦", "timer", {})).toEqual({ "": expect.stringMatching(/either/) });
    expect(insert("¦", "command", { script: ":", "retry.delay": "never" })).toEqual({
      "retry.delay": expect.stringMatching(/must be a time/),
      "retry.max-attempts": expect.stringMatching(/is missing/),
    });
    expect(insert("¦", "command", { script: ":", "retry.delay": "5s" })).toEqual({
      "retry.max-attempts": expect.any(String),
    });
    expect(insert("¦", "command", { script: ":", env: "A: [" })).toEqual({
      env: expect.stringMatching(/YAML/),
    });
    expect(insert("¦", "command", { script: ":", when: "steps.none.exitCode == 0" })).toEqual({
      when: expect.stringMatching(/none/),
    });
    expect(insert("```bash {name=a}\n:\n```\n¦", "command", { script: ":", name: "a" })).toEqual({
      name: expect.stringMatching(/twice/),
    });
  });

  test("is not held up by what is wrong elsewhere", () => {
    expect(insert("```bash {nmae=a}\n:\n```\n¦", "timer", { duration: "1m" })).toContain("duration: 1m");
  });
});

describe("a block that is edited", () => {
  test("changes by itself, in its list or quote, and the rest of the page does not", () => {
    const page = (timeout: string) =>
      `\t# Odd   page \n\n1.  One\n\n    \`\`\`bash {name=a${timeout}}\n    a\n\n    b\n    \`\`\`\n\n> \`\`\`farhand\n> kind:   timer\n> duration: 5m\n> \`\`\`\n\n\n`;
    const marked = page("").replace("a\n\n", "a¦\n\n");
    expect(edit(marked, { timeout: "5s" })).toBe(page(" timeout=5s"));
    expect(edit(page("").replace("timer", "ti¦mer"), { duration: "1h" })).toBe(
      page("").replace("kind:   timer", "kind: timer").replace("5m", "1h"),
    );
  });

  test("stays YAML, keeps what the form does not show, and how things were written", () => {
    const source = [
      "```farhand",
      "kind: command",
      "timeout: 90s",
      "retry:",
      "  max-attempts: 3",
      "outputs:",
      '  - "a,b"',
      "script: |",
      "  l¦s",
      "compensate:",
      "  kind: command",
      "  script: undo",
      "```",
    ].join("\n");
    expect(edit(source.replace('  - "a,b"', "  - ab"), { user: "app" })).toBe(
      source
        .replace("¦", "")
        .replace('  - "a,b"', "  - ab")
        .replace("outputs:", "user: app\noutputs:")
        .replace("timeout: 90s\nretry:\n  max-attempts: 3\n", "timeout: 90s\n")
        .replace("  - ab\n", "  - ab\nretry:\n  max-attempts: 3\n"),
    );
    const answers = answersOf(fieldsOf("command"), { outputs: ["a,b"], idempotent: false });
    expect(answers.outputs).toBeUndefined();
    expect(answers.idempotent).toEqual({ text: "false" });
  });

  test("is refused where the form would lose something", () => {
    expect(edit("some ¦ text\n", {})).toMatch(/into a block/);
    expect(edit("```json\n¦\n```\n", {})).toMatch(/into a block/);
    expect(edit("```farhand\nkind: timer # ¦why\nduration: 1s\n```\n", {})).toMatch(/comments/);
    expect(edit("```farhand\nkind: command\nscript: |\n  # fine¦\n```\n", {})).toContain("# fine");
    expect(edit('```bash title="x.sh"\n¦:\n```\n', {})).toMatch(/other tools/);
    expect(edit("```farhand\nkind: timer\ndurattion: 1s¦\n```\n", {})).toMatch(/durattion/);
    expect(edit("```bash\n¦", {})).toMatch(/never closed/);
  });

  test("fits its slot", () => {
    const slot = { from: 0, to: 0, before: "", after: "", margin: "> " };
    expect(inSlot(slot, "a\n\nb")).toBe("a\n>\n> b");
  });
});
