/** What every command does around its work: words instead of stacks, and an exit code. */
import { ExecaError } from "execa";
import { EXIT, Problem } from "./problem.ts";
import { paint } from "./terminal.ts";

/** Runs a command to its exit code. */
export async function runCommand(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`\n${paint("red", "✗")} ${wordsOf(error)}\n`);
    process.exitCode = error instanceof Problem ? error.exitCode : EXIT.failed;
  }
}

/** What a person is told about an error. */
export function wordsOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (error instanceof ExecaError) {
    const output = String(error.all ?? "").trim();
    return `${output}\n\n${error.shortMessage}`.trim();
  }
  // Nobody foresaw this one: whoever reports it needs all of it when asked for, and its message always.
  if (process.env.FARHAND_DEBUG && error instanceof Error) return error.stack ?? error.message;
  const message = error instanceof Error ? error.message : String(error);
  return `${message}\n  (set FARHAND_DEBUG=1 to see where it came from)`;
}
