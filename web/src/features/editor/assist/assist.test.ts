import { describe, expect, test } from "vitest";
import { ATTRIBUTES, BLOCK_KINDS, fieldsOf, KIND_DOCS } from "#protocol/runbook/fields.ts";
import type { Field } from "#protocol/runbook/fieldTypes.ts";
import { FRONT_MATTER_FIELDS } from "#protocol/runbook/groups.ts";
import { docParts, plainDoc } from "./docText.ts";
import { findSite } from "./findSite.ts";
import { docOf, type Option, optionsAt } from "./options.ts";

/** `|` is the cursor. */
function at(marked: string) {
  const offset = marked.indexOf("¦");
  const source = marked.replace("¦", "");
  const site = findSite(source, offset);
  return { source, site };
}

function options(marked: string): Option[] {
  const { site } = at(marked);
  return site ? optionsAt(site) : [];
}

function labels(marked: string): string[] {
  return options(marked).map(({ label }) => label);
}

/** The page once the option is chosen, with the cursor. */
function chosen(marked: string, label: string): string {
  const { source, site } = at(marked);
  const option = site && optionsAt(site).find((each) => each.label === label);
  if (!site || !option) throw new Error(`${label} is not offered`);
  const text = `${option.text.slice(0, option.cursor)}¦${option.text.slice(option.cursor)}`;
  return source.slice(0, site.from) + text + source.slice(site.to);
}

const block = (...lines: string[]) => ["# Page", "", "```farhand", ...lines, "```", ""].join("\n");
const words = (fields: readonly Field[]) => fields.map(({ word }) => word);
const sorted = (list: readonly string[]) => list.toSorted();

describe("everything in the tables is offered, and nothing else", () => {
  test("the kinds", () => {
    expect(labels(block("kind: ¦"))).toEqual(BLOCK_KINDS);
    expect(options(block("kind: ¦")).map(({ doc }) => doc)).toEqual(
      Object.values(KIND_DOCS).map((doc) => `${doc}.`),
    );
  });

  test.each(BLOCK_KINDS)("the fields of %s, those that are needed first", (kind) => {
    const offered = options(block(`kind: ${kind}`, "¦"));
    expect(sorted(offered.map(({ label }) => label))).toEqual(sorted(words(fieldsOf(kind))));
    const needed = offered.map(({ isRequired }) => isRequired);
    expect(needed).toEqual(needed.toSorted((a, b) => Number(b) - Number(a)));
    for (const field of fieldsOf(kind)) {
      expect(offered.find(({ label }) => label === field.word)?.doc).toContain(field.doc.slice(1));
    }
  });

  test("the fields of the front matter and the attributes of a fence", () => {
    expect(labels("---\n¦\n---\n")).toEqual(words(FRONT_MATTER_FIELDS));
    expect(labels("```bash {¦}\n:\n```")).toEqual(words(ATTRIBUTES));
  });

  test("the fields, kinds and values inside of every field", () => {
    const seen = new Set<string>();
    const look = (lines: string[], margin: string, fields: readonly Field[], isPage = false) => {
      const page = (...more: string[]) =>
        isPage ? ["---", ...lines, ...more, "---", ""].join("\n") : block(...lines, ...more);
      for (const { word, type } of fields) {
        seen.add(type.is);
        const key = `${margin}${word}:`;
        if (type.is === "choice") expect(labels(page(`${key} ¦`))).toEqual(type.options);
        if (type.is === "boolean") expect(labels(page(`${key} ¦`))).toEqual(["true", "false"]);
        if (type.is === "question") expect(labels(page(`${key} ¦`))).toEqual(["true"]);
        if (type.is === "block") expect(labels(page(key, `${margin}  kind: ¦`))).toEqual(type.kinds);
        if (type.is === "blocks") expect(labels(page(key, `${margin}  - kind: ¦`))).toEqual(BLOCK_KINDS);
        if (type.is === "branches") expect(labels(page(key, `${margin}  - - kind: ¦`))).toEqual(BLOCK_KINDS);
        if (type.is !== "group") continue;
        const inside = [
          ...new Map(
            type
              .fields(undefined)
              .toReversed()
              .map((each) => [each.word, each]),
          ).values(),
        ];
        const offered = labels(page(key, `${margin}  ${type.isList ? "- " : ""}¦`));
        expect(sorted(offered)).toEqual(sorted(words(inside)));
        look([...lines, key, ...(type.isList ? [`${margin}  -`] : [])], `${margin}    `, inside, isPage);
      }
    };
    for (const kind of BLOCK_KINDS) look([`kind: ${kind}`], "", fieldsOf(kind));
    look([], "", FRONT_MATTER_FIELDS, true);
    expect([...seen]).toEqual(expect.arrayContaining(["group", "choice", "block", "blocks", "branches"]));
  });
});

describe("a site is found", () => {
  test("in the language of a fence, which is closed when it is not", () => {
    expect(labels("```¦")).toEqual([
      "farhand",
      ...["bash", "sh", "shell", "python", "python3", "node", "pwsh", "powershell"],
    ]);
    expect(chosen("```¦\n", "farhand")).toBe("```farhand\nkind: ¦\n```\n");
    expect(chosen("```b¦\n", "bash")).toBe("```bash\n¦\n```\n");
    expect(chosen("- a\n  ```¦\n", "bash")).toBe("- a\n  ```bash\n  ¦\n  ```\n");
    expect(chosen("```¦\n:\n```\n", "bash")).toBe("```bash¦\n:\n```\n");
    expect(chosen("```¦\n\n```bash\n:\n```\n", "farhand")).toBe(
      "```farhand\nkind: ¦\n```\n\n```bash\n:\n```\n",
    );
  });

  test("in attributes: words, values, and not in quoted text", () => {
    expect(labels("```bash {name=a ti¦}\n:\n```")).not.toContain("name");
    expect(labels("```bash {confirm on-failure=¦}\n:\n```")).toEqual(["stop", "continue"]);
    expect(labels("```bash {¦ confirm name=a}\n:\n```")).not.toContain("confirm");
    expect(chosen("```bash {id¦}\n:\n```", "idempotent")).toBe("```bash {idempotent=¦}\n:\n```");
    expect(chosen("```bash {ti¦=5s}\n:\n```", "timeout")).toBe("```bash {timeout¦=5s}\n:\n```");
    for (const nowhere of [
      '```bash {title="a ¦ b"}\n:\n```',
      '```bash {title="a" when="x¦}\n:\n```',
      "```bash {a=b}¦\n:\n```",
      "```bash ¦\n:\n```",
      "```json {¦}\n:\n```",
      "```farhand {¦}\n:\n```",
    ]) {
      expect(labels(nowhere), nowhere).toEqual([]);
    }
  });

  test("in YAML that is still being written", () => {
    expect(labels(block("¦"))).toEqual(["kind"]);
    expect(labels(block("kind: command", "retry:", "  ¦", "script: |", "  a: b"))).toContain("max-attempts");
    expect(labels(block("kind: command", "retry: { max-attempts: 3, ¦ }"))).toEqual(
      expect.not.arrayContaining(["max-attempts"]),
    );
    expect(labels(block("kind: command", "retry: { max-attempts: 3, d¦"))).toContain("delay");
    expect(labels(block("kind: command", "target: { mode: ¦ }"))).toEqual(["one", "all", "rolling"]);
    expect(labels(block("kind: command", "t¦", "script: |", "  a"))).not.toContain("script");
    expect(labels(block("kind: condition", "then:", "  - kind: timer", "    ¦"))).toContain("duration");
    expect(
      labels(block("kind: parallel", "branches:", "  - - kind: api", "      ¦", "    - kind: timer")),
    ).toContain("url");
    expect(labels(block("kind: instruction", "form:", "  - name: a", "    type: number", "    ¦"))).toEqual(
      expect.arrayContaining(["min", "max"]),
    );
    expect(
      labels(block("kind: instruction", "form:", "  - name: a", "    type: number", "    ¦")),
    ).not.toContain("pattern");
    expect(labels("---\nparameters:\n  - type: ¦\n---\n")).toContain("choice");
    expect(labels("---\nti¦\n")).toEqual(words(FRONT_MATTER_FIELDS));
  });

  test("in a list and in a quote, with its margin kept", () => {
    expect(chosen("1. Do\n\n   ```farhand\n   kind: command\n   ret¦\n   ```\n", "retry")).toBe(
      "1. Do\n\n   ```farhand\n   kind: command\n   retry:\n     ¦\n   ```\n",
    );
    expect(chosen("> ```farhand\n> kind: api\n> hea¦\n> ```\n", "headers")).toBe(
      "> ```farhand\n> kind: api\n> headers:\n>   ¦\n> ```\n",
    );
  });

  test("and not in text, scripts and words of other tools", () => {
    for (const nowhere of [
      "Some kind¦ of prose",
      "```bash\nti¦\n```",
      "```yaml\nkind: ¦\n```",
      block("kind: command", "script: |", "  kind: ¦"),
      block("kind: command", "script: |", "  ti¦"),
      block("kind: command", "title: some words, ti¦"),
      block("kind: command", 'title: "a { ti¦"'),
      block("kind: command", "# ti¦"),
      block("kind: command", "env:", "  ti¦"),
      block("kind: unknown", "env:", "  ti¦"),
      block("kind: command", "ti¦ me"),
    ]) {
      expect(labels(nowhere), nowhere).toEqual([]);
    }
  });
});

describe("what is chosen is written so that one can go on", () => {
  test.each([
    ["timeout", "timeout: ¦"],
    ["exit-codes", "exit-codes: [¦]"],
    ["script", "script: |\n  ¦"],
    ["env", "env:\n  ¦"],
    ["locks", "locks:\n  - ¦"],
    ["target", "target:\n  ¦"],
    ["compensate", "compensate:\n  kind: ¦"],
  ])("%s", (word, written) => {
    expect(chosen(block("kind: command", "¦"), word)).toBe(block("kind: command", written));
  });

  test("and no more than the word where a value stands already", () => {
    expect(chosen(block("kind: command", "tim¦: 5s"), "timeout")).toBe(
      block("kind: command", "timeout¦: 5s"),
    );
    expect(chosen(block("kind: com¦mand"), "condition")).toBe(block("kind: condition¦"));
  });
});

describe("documentation", () => {
  const told = (marked: string) => {
    const { source, site } = at(marked);
    return site && docOf(site, source.slice(site.from, site.to));
  };

  test("of what stands at the cursor", () => {
    expect(told("```ba¦sh\n:\n```")?.doc).toContain(KIND_DOCS.command);
    expect(told(block("kind: ti¦mer"))).toEqual({ title: "timer", doc: `${KIND_DOCS.timer}.` });
    expect(told(block("ki¦nd: timer"))?.title).toBe("kind");
    expect(told(block("kind: timer", "dura¦tion: 5s"))?.doc).toContain("How long to wait");
    expect(told(block("kind: command", "on-failure: st¦op"))?.title).toBe("on-failure");
    expect(told("```bash {on-fai¦lure=stop}\n:\n```")?.title).toBe("on-failure");
    expect(told("---\ntitle: a\nloc¦ks: [b]\n---\n")?.title).toBe("locks");
    expect(told(block("kind: timer", "dur¦: 5s"))).toBeUndefined();
  });

  test("is plain words when it is read aloud", () => {
    expect(plainDoc("**Needed**: a [pointer](https://x.test) such as `/a`")).toBe(
      "Needed: a pointer such as /a",
    );
    expect(docParts("`a` b").map(({ is }) => is)).toEqual(["code", "words"]);
  });
});
