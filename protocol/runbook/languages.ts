/** Which fences are blocks. */
import type { Interpreter } from "./document.ts";

/** Languages of a fence that make it a command, and what runs them. */
const INTERPRETER_OF: ReadonlyMap<string, Interpreter> = new Map([
  ["bash", "bash"],
  ["sh", "sh"],
  ["shell", "sh"],
]);

/** The language of a fence that holds a block as YAML. */
export const BLOCK_LANGUAGE = "farhand";

/** The word an info string begins with, in lower case; "" when there is none. */
export function languageOf(info: string): string {
  return (/^[^\s{]*/.exec(info)?.[0] ?? "").toLowerCase();
}

export function interpreterOf(info: string): Interpreter | undefined {
  return INTERPRETER_OF.get(languageOf(info));
}

/** True when a fence with this info is a block; all others are prose. */
export function isBlockInfo(info: string): boolean {
  return languageOf(info) === BLOCK_LANGUAGE || interpreterOf(info) !== undefined;
}
