import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHUNK_MAX_BYTES, OUTPUT_MAX_BYTES, STEP_TIMEOUT_MAX_MS } from "../limits.ts";
import { type RunbookDocument, runbookDocumentSchema } from "./document.ts";
import { parseRunbook, printRunbook } from "./markdown.ts";

/** Texts with what Markdown, YAML and fences trip over. */
const awkward = fc.constantFrom(
  "```",
  "~~~~",
  "```bash\nls\n```",
  "```js\nx",
  "<!--",
  "-->",
  "<!-- name=x -->",
  "<script>",
  "---",
  "# ",
  "- ",
  "1. ",
  "> ",
  "    code",
  "\t",
  "\n",
  "\n\n",
  "\r\n",
  "\0",
  "\u2028",
  "\u0085",
  "\uFEFF",
  " ",
  '"',
  "'",
  ": ",
  " #",
  "&a",
  "*a",
  "!t",
  "%",
  "@",
  "`",
  "{a=b}",
  "yes",
  "null",
  "1e3",
  "😀",
  "\u202e",
);
const text = fc
  .array(fc.oneof(awkward, fc.string({ unit: "binary", maxLength: 6 }), fc.lorem({ maxCount: 3 })), {
    minLength: 1,
    maxLength: 8,
  })
  .map((parts) => parts.join(""))
  .filter((value) => value !== "");
const title = text
  .map((value) => value.slice(0, 150).trim())
  .filter((value) => value !== "" && value.isWellFormed());
const name = fc.oneof(
  fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,12}$/),
  fc.integer({ min: 1, max: 4 }).map((n) => `note-${n}`),
);
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const common = {
  name: fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_]{0,10}$/),
  description: optional(text),
  required: optional(fc.boolean()),
};
const parameter = fc.oneof(
  fc.record({ ...common, type: fc.constant("string"), default: optional(text) }),
  fc.record({ ...common, type: fc.constant("number"), default: optional(number) }),
  fc.record({ ...common, type: fc.constant("boolean"), default: optional(fc.boolean()) }),
  fc.record({
    ...common,
    type: fc.constant("choice"),
    options: fc.array(text, { minLength: 1, maxLength: 3 }),
  }),
);
const block = fc.oneof(
  fc.record({ kind: fc.constant("instruction"), id: name, markdown: text }),
  fc.record({
    kind: fc.constant("command"),
    id: name,
    title: optional(title),
    interpreter: fc.constantFrom("bash", "sh"),
    script: text,
    timeoutMs: optional(fc.integer({ min: 1_000, max: STEP_TIMEOUT_MAX_MS })),
    outputLimitBytes: optional(fc.integer({ min: CHUNK_MAX_BYTES, max: OUTPUT_MAX_BYTES })),
    onDisconnect: optional(fc.constantFrom("continue", "stop")),
  }),
);
const documents = fc
  .record({
    schema: fc.constant(1),
    title,
    description: optional(text),
    parameters: fc.uniqueArray(parameter, { selector: (each) => each.name.toUpperCase(), maxLength: 4 }),
    target: fc.record({
      pool: optional(fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,8}$/)),
      labels: optional(
        fc.dictionary(
          fc.string({ minLength: 1, maxLength: 10 }).filter((key) => key !== "__proto__"),
          text.map((value) => value.slice(0, 255)),
        ),
      ),
    }),
    blocks: fc.uniqueArray(block, { selector: (each) => each.id, maxLength: 6 }),
  })
  .map((value) => runbookDocumentSchema.safeParse(JSON.parse(JSON.stringify(value))))
  .filter((result) => result.success)
  .map((result) => result.data as RunbookDocument);

describe("round trip", () => {
  test("every document comes back from its Markdown as it was", () => {
    fc.assert(
      fc.property(documents, (document) => {
        expect(parseRunbook(printRunbook(document))).toEqual({ ok: true, document });
      }),
      { numRuns: 1_500 },
    );
  });

  test("what was printed once prints the same again", () => {
    const pages = fc.array(awkward, { maxLength: 30 }).map((parts) => parts.join("\n"));
    fc.assert(
      fc.property(fc.oneof(pages, text), (source) => {
        const first = parseRunbook(source);
        if (!first.ok) return;
        const printed = printRunbook(first.document);
        expect(parseRunbook(printed)).toEqual(first);
      }),
      { numRuns: 3_000 },
    );
  });
});
