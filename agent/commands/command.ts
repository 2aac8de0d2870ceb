/**
 * What makes a command of `farhand-agent`: how it is called, which options it
 * takes, and what carries it out. Each command says all of it beside its code.
 */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { z } from "zod";
import type { Environment } from "../config.ts";
import { EXIT, Failure } from "../failure.ts";
import { invocation } from "../invocation.ts";
import { wordsOf } from "../log.ts";

/** What one option takes, and the variable that stands in for it: a flag wins over its variable. */
export interface Option<T = unknown> {
  takes: "text" | "texts" | "nothing";
  schema: z.ZodType<T>;
  variable: string | undefined;
}

/** By names as code has them: `workDir` is `--work-dir` on the command line. */
export type Options = Readonly<Record<string, Option>>;

/** What a command gets: one value for each of its options. */
export type ConfigOf<O extends Options> = {
  [Name in keyof O]: O[Name] extends Option<infer T> ? T : never;
};

/** An option with one value. */
export function text<T>(schema: z.ZodType<T>, variable?: string): Option<T> {
  return { takes: "text", schema, variable };
}

/** An option that may stand several times. */
export function texts<T>(each: z.ZodType<T>): Option<T[]> {
  return { takes: "texts", schema: z.array(each).default([]), variable: undefined };
}

/** An option that is there or not; its variable says `true` or `false`. */
export function yes(variable?: string): Option<boolean> {
  const error = `${variable} must be true or false`;
  const schema = z.union([z.boolean(), z.stringbool()], { error }).default(false);
  return { takes: "nothing", schema, variable };
}

/** A word that is no flag, such as the name in `secrets set NAME`. */
interface Word {
  schema: z.ZodType<string | undefined>;
  /** What is said about a second one. */
  tooMany: string;
}

export interface Command {
  /** For the help: how it is called, and indented below it what it does; empty where another one tells. */
  usage: string;
  /** The variables that stand in for flags of it. */
  variables: string[];
  /**
   * @param args what stands behind its name
   * @returns the exit code; undefined when it was only asked for help
   * @throws Failure when it is asked for wrongly, or does not work
   */
  run(args: string[], env: Environment): Promise<number | undefined>;
}

interface CommandParts<O extends Options> {
  usage?: string;
  options: O;
  /** It takes no word when absent. */
  word?: Word;
  /** @returns its exit code, where it has one of its own */
  run(config: ConfigOf<O>, word: string | undefined): Promise<number> | Promise<void>;
}

export function command<const O extends Options>(parts: CommandParts<O>): Command {
  const { usage = "", options, word } = parts;
  const schemas = Object.entries(options).map(([name, { schema }]) => [name, schema] as const);
  // The same names and schemas that its type is made of.
  const configSchema = z.object(Object.fromEntries(schemas)) as z.ZodType<ConfigOf<O>>;
  return {
    usage,
    variables: Object.values(options).flatMap(({ variable }) => variable ?? []),
    run: async (args, env) => {
      const { flags, words } = readArguments(args, options, word?.tooMany);
      if (flags.help) return undefined;
      const config = parse(configSchema, inputOf(options, flags, env));
      const exitCode = await parts.run(config, word && parse(word.schema, words[0]));
      return typeof exitCode === "number" ? exitCode : EXIT.ok;
    },
  };
}

type Flags = Record<string, unknown>;

function readArguments(
  args: string[],
  options: Options,
  tooMany: string | undefined,
): { flags: Flags; words: string[] } {
  const own = Object.entries(options).map(([name, { takes }]) => [
    flagOf(name),
    { type: takes === "nothing" ? "boolean" : "string", multiple: takes === "texts" } as const,
  ]);
  const known: ParseArgsOptionsConfig = {
    ...Object.fromEntries(own),
    help: { type: "boolean", short: "h" },
  };
  try {
    const allowPositionals = tooMany !== undefined;
    const given = withNumbers(args, known);
    const { values, positionals } = parseArgs({ args: given, options: known, allowPositionals });
    if (positionals.length > 1) throw new Error(tooMany);
    return { flags: values, words: positionals };
  } catch (error) {
    throw new Failure(`${flagWords(wordsOf(error))}; see ${invocation()} --help`, EXIT.usage);
  }
}

/** A number below zero after a flag is its value, and not another flag: whether it will do, the flag says. */
function withNumbers(args: readonly string[], options: ParseArgsOptionsConfig): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1) ?? "";
    const takes = before.startsWith("--") ? options[before.slice(2)]?.type : undefined;
    if (takes === "string" && /^-\d/.test(arg)) joined[joined.length - 1] = `${before}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

/** What the library says in three lines, in one. */
function flagWords(words: string): string {
  const [, flag] = /^Option '(--[a-z-]+)' argument is ambiguous/.exec(words) ?? [];
  if (flag === undefined) return words;
  return `${flag} stands without a value; one that begins with a dash is written ${flag}=-…`;
}

/** What was said about each option, by its flag or its variable. @throws Failure when it was said with nothing */
function inputOf(options: Options, flags: Flags, env: Environment): Record<string, unknown> {
  const said = Object.entries(options).map(([name, { variable }]) => {
    const flag = flagOf(name);
    const value = flags[flag] ?? (variable === undefined ? undefined : env[variable]);
    if (value !== "") return [name, value];
    throw new Failure(`${flags[flag] === "" ? `--${flag}` : variable} may not be empty`, EXIT.usage);
  });
  return Object.fromEntries(said);
}

function flagOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new Failure(result.error.issues.map(({ message }) => message).join("\n"), EXIT.usage);
}
