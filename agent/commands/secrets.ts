/** `farhand-agent secrets`: what this host holds. Values go in, and never come out again. */
import { z } from "zod";
import { SECRET_MAX_BYTES, secretNameSchema, secretValueProblem } from "#protocol/secrets.ts";
import { systemClock } from "../clock.ts";
import { LOCAL_OPTIONS, word } from "../config.ts";
import { Failure } from "../failure.ts";
import { inWords } from "../files.ts";
import { invocation } from "../invocation.ts";
import { createLog, wordsOf } from "../log.ts";
import { actAsOwner } from "../owner.ts";
import { statePaths } from "../paths.ts";
import { collectBounded } from "../reading.ts";
import { KnownSecrets } from "../redact/known.ts";
import { openProviders } from "../secrets/index.ts";
import { SecretKeeper } from "../secrets/keeper.ts";
import { forgetSealed, sealedStore } from "../secrets/sealed.ts";
import { SecretStore } from "../secrets/store.ts";
import { type Command, type ConfigOf, command, text } from "./command.ts";

const OPTIONS = { ...LOCAL_OPTIONS, secrets: text(word, "FARHAND_SECRETS_FILE") };
const nameSchema = (verb: Verb) =>
  z
    .string({ error: `name the secret, as in: ${invocation()} secrets ${verb} db-password` })
    .pipe(secretNameSchema);

type Verb = "set" | "list" | "remove" | "test";
interface SecretsConfig extends ConfigOf<typeof OPTIONS> {
  verb: Verb;
  name: string | undefined;
}

const secretsCommand = (
  verb: Verb,
  schema: z.ZodType<string | undefined> = secretNameSchema.optional(),
  usage = "",
): Command =>
  command({
    usage,
    options: OPTIONS,
    word: { schema, tooMany: "a value is never given on the command line, where others can see it" },
    run: (config, name) => secrets({ ...config, verb, name }),
  });

export const SECRETS_COMMANDS = {
  "secrets set": secretsCommand("set", nameSchema("set"), "secrets set|remove NAME [--state DIR]"),
  "secrets list": secretsCommand(
    "list",
    undefined,
    `secrets list|test [NAME] [--state DIR] [--secrets FILE]
      Keep secrets on this host, list the names of all that its providers have, and
      try whether they come. A value is read from stdin, or asked for; it is never shown.`,
  ),
  "secrets remove": secretsCommand("remove", nameSchema("remove")),
  "secrets test": secretsCommand("test"),
};

async function secrets(config: SecretsConfig): Promise<void> {
  const { verb, name = "", logFormat, logLevel } = config;
  actAsOwner(config.state);
  const paths = statePaths(config.state);
  const store = new SecretStore(paths.secrets);
  const keeper = () =>
    new SecretKeeper({
      providers: openProviders({
        ...{ file: config.secrets, env: process.env, clock: systemClock, store },
        sealed: sealedStore(paths.sealed),
      }),
      known: new KnownSecrets(),
      clock: systemClock,
      log: createLog({ format: logFormat, level: logLevel }),
    });
  switch (verb) {
    case "set":
      return set(store, name, config.state);
    case "remove": {
      const remove = () => store.remove(name) || forgetSealed(paths.sealed, name, Date.now());
      if (!written(config.state, remove)) throw new Failure(`the agent's store has no secret "${name}"`);
      return say(`removed ${name}`);
    }
    case "list":
      return list(keeper());
    case "test":
      return test(keeper(), config.name);
    default:
      verb satisfies never;
  }
}

async function set(store: SecretStore, name: string, state: string): Promise<void> {
  const value = process.stdin.isTTY
    ? await ask(`Value of ${name}: `)
    : await collectBounded(process.stdin, { what: "the value", maxBytes: SECRET_MAX_BYTES });
  const problem = secretValueProblem(value);
  if (problem) throw new Failure(`the value ${problem}`);
  written(state, () => store.set(name, value));
  say(`kept ${name}`);
}

function written<T>(state: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw inWords(error, state);
  }
}

async function list(keeper: SecretKeeper): Promise<void> {
  await keeper.look();
  const width = Math.max(0, ...keeper.held.map(({ name }) => name.length));
  for (const { name, type } of keeper.held) say(`${name.padEnd(width)}  ${type}`);
}

async function test(keeper: SecretKeeper, name: string | undefined): Promise<void> {
  await keeper.look();
  const names = name === undefined ? keeper.held.map((each) => each.name) : [name];
  let failed = 0;
  for (const each of names) {
    try {
      await keeper.resolve(each);
      say(`${each}: comes`);
    } catch (error) {
      failed++;
      say(`${each}: ${wordsOf(error)}`);
    }
  }
  if (failed > 0) throw new Failure(`${failed} of ${names.length} secrets do not come`);
}

/** One line from the terminal, which does not show it. */
async function ask(question: string): Promise<Buffer> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  const typed: number[] = [];
  try {
    for await (const part of stdin as AsyncIterable<Buffer>) {
      for (const byte of part) {
        if (byte === 0x0d || byte === 0x0a || byte === 0x04) return Buffer.from(typed);
        if (byte === 0x03) throw new Failure("nothing was kept");
        if (byte === 0x7f || byte === 0x08) typed.pop();
        else typed.push(byte);
      }
    }
    return Buffer.from(typed);
  } finally {
    stdin.setRawMode(false);
    stderr.write("\n");
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
