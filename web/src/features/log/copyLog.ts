/** The whole output of a step as plain text, for the clipboard. */
import type { StepLog } from "../../live/executionSession.ts";
import { plainText } from "../../live/search.ts";

/** More than this belongs into a file. */
export const COPY_MAX_BYTES = 8 * 1024 * 1024;

/** @throws what reading a range throws. */
export async function logAsText({ store, loader }: StepLog): Promise<string> {
  await loader.readAll();
  const lines: string[] = [];
  for (let number = 0; number < store.lineCount; number++) {
    const line = store.line(number);
    lines.push(line ? plainText(line) : "");
  }
  return `${lines.join("\n")}\n`;
}
