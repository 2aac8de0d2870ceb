/** Which fences are blocks. */
import type { FENCE_INTERPRETERS } from "../blocks/command.ts";

type FenceInterpreter = (typeof FENCE_INTERPRETERS)[number];

/**
 * Languages of a fence that make it a command, and what runs them. Only those
 * that people write to be run: `js` is as a rule a piece of some program.
 */
const INTERPRETER_OF: ReadonlyMap<string, FenceInterpreter> = new Map([
  ["bash", "bash"],
  ["sh", "sh"],
  ["shell", "sh"],
  ["python", "python3"],
  ["python3", "python3"],
  ["node", "node"],
  ["pwsh", "pwsh"],
  ["powershell", "pwsh"],
]);

/** The languages that make a fence a command, in the order in which they are offered. */
export const COMMAND_LANGUAGES: readonly string[] = [...INTERPRETER_OF.keys()];

/** The language of a fence that holds a block as YAML. */
export const BLOCK_LANGUAGE = "farhand";

/** The word an info string begins with, in lower case; "" when there is none. */
export function languageOf(info: string): string {
  return (/^[^\s{]*/.exec(info)?.[0] ?? "").toLowerCase();
}

export function interpreterOf(info: string): FenceInterpreter | undefined {
  return INTERPRETER_OF.get(languageOf(info));
}

/** True when a fence with this info is a block; all others are prose. */
export function isBlockInfo(info: string): boolean {
  return languageOf(info) === BLOCK_LANGUAGE || interpreterOf(info) !== undefined;
}
