/**
 * The Markdown form of a runbook and its canonical JSON, both ways:
 * `parseRunbook(printRunbook(document))` is the document again.
 */
export { parseRunbook } from "./parse.ts";
export { printRunbook } from "./print.ts";
