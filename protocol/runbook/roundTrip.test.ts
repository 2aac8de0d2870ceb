import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRunbook, printRunbook } from "./markdown.ts";

import { awkward, commandDocuments, documents, text } from "./randomDocuments.ts";

/** They are about how a page is written. */
const warnings = expect.any(Array);

describe("round trip", () => {
  test("every document comes back from its Markdown as it was", () => {
    fc.assert(
      fc.property(documents, (document) => {
        expect(parseRunbook(printRunbook(document))).toEqual({ ok: true, document, warnings });
      }),
      { numRuns: 250 },
    );
  }, 60_000);

  test("every command does, as a fence or as YAML", () => {
    fc.assert(
      fc.property(commandDocuments, (document) => {
        expect(parseRunbook(printRunbook(document))).toEqual({ ok: true, document, warnings });
      }),
      { numRuns: 2_000 },
    );
  }, 60_000);

  test("what was printed once prints the same again", () => {
    const pages = fc.array(awkward, { maxLength: 30 }).map((parts) => parts.join("\n"));
    fc.assert(
      fc.property(fc.oneof(pages, text), (source) => {
        const first = parseRunbook(source);
        if (!first.ok) return;
        const printed = printRunbook(first.document);
        expect(parseRunbook(printed)).toEqual({ ok: true, document: first.document, warnings });
      }),
      { numRuns: 3_000 },
    );
  });
});
