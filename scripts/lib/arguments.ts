/** Reads the command lines of the commands. What they may be told stands in `usage.mjs`. */
import { parseArgs } from "node:util";
import { DEFAULT_DATA } from "./paths.ts";
import { EXIT, Problem } from "./problem.ts";
import { answerOf, USAGE } from "./usage.mjs";

export interface LocalOptions {
  port: number;
  data: string;
  once: boolean;
}

/** False when only the help was asked for, which is then printed. @throws Problem on wrong usage */
export function mayBegin(command: keyof typeof USAGE, args: string[]): boolean {
  const answer = answerOf(command, args);
  if (!answer) return true;
  if ("problem" in answer) throw new Problem(answer.problem, EXIT.usage);
  process.stdout.write(answer.help);
  return false;
}

/** Undefined when only the help was asked for, which is then printed. @throws Problem on wrong usage */
export function readLocalOptions(command: "start" | "dev", args: string[]): LocalOptions | undefined {
  if (!mayBegin(command, args)) return undefined;
  const {
    port = "8787",
    data = DEFAULT_DATA,
    once = false,
  } = parseArgs({
    args,
    options: USAGE.start.options,
  }).values;
  return { port: Number(port), data, once };
}
