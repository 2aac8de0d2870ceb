/** Reads the command lines of `npm start` and `npm run dev`. */
import { parseArgs } from "node:util";
import { DEFAULT_DATA } from "./paths.ts";
import { EXIT, Problem } from "./problem.ts";

export interface LocalOptions {
  port: number;
  data: string;
  once: boolean;
}

/** Undefined when only the help was asked for, which is then printed. @throws Problem on wrong usage */
export function readLocalOptions(args: string[], help: string): LocalOptions | undefined {
  const values = parse(args, help);
  if (values.help) {
    process.stdout.write(help);
    return undefined;
  }
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port < 1 || port > 65_535) {
    throw new Problem(`--port must be a number from 1 to 65535, not "${values.port}".`, EXIT.usage);
  }
  if (values.data === "") throw new Problem("--data must name a folder.", EXIT.usage);
  return { port, data: values.data, once: values.once };
}

function parse(args: string[], help: string) {
  try {
    return parseArgs({
      args,
      options: {
        port: { type: "string", default: "8787" },
        data: { type: "string", default: DEFAULT_DATA },
        once: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new Problem(`${error instanceof Error ? error.message : error}\n\n${help}`, EXIT.usage);
  }
}
