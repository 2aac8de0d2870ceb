import { expect, it } from "vitest";
import { firstWords } from "./plainText.ts";

it.each([
  ["Check that **nobody** [else](https://x) is `here`.\n\nMore.", "Check that nobody else is here."],
  ["## Grow\n\ntext", "Grow"],
  ["<!-- name=a -->\n\n- one\n- two", "one two"],
  ["two\nlines", "two lines"],
  ["", ""],
])("%j", (markdown, words) => {
  expect(firstWords(markdown)).toBe(words);
});
