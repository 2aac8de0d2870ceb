/** Where in a runbook's text the cursor is, in the words of the format. */
import type { BlockKind } from "#protocol/blocks/index.ts";
import type { Field } from "#protocol/runbook/fieldTypes.ts";

/** A stretch of the text that a choice would replace, in offsets of the page. */
interface Stretch {
  from: number;
  to: number;
}

export type Site =
  /** The language of a fence. `isOpen`: nothing ends the fence. */
  | (Stretch & { is: "language"; isOpen: boolean; margin: string })
  /** The word of a field, or of `kind`. */
  | (Stretch & FieldSite & { is: "word" })
  /** What is written behind a word. */
  | (Stretch & { is: "value"; field: Field })
  | (Stretch & { is: "kind"; kinds: readonly BlockKind[] });

interface FieldSite {
  /** All fields that are possible here, those that are written too. */
  fields: readonly Field[];
  /** The kinds to choose from, where a block's `kind` is possible here. */
  kinds?: readonly BlockKind[];
  /** Other words that stand here already. */
  written: ReadonlySet<string>;
  /** `yaml`: on lines, `flow`: in the braces of YAML, `attribute`: in those of a fence. */
  style: "yaml" | "flow" | "attribute";
  /** What stands before the word on its line, as spaces and marks of quotes. */
  margin: string;
  /** Something follows the word already: only the word itself is to be written. */
  hasValue: boolean;
}
