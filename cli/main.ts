/** The command line for people and CI who sign runbooks and seal secrets: private keys and values stay with it. */
import { parseArgs } from "node:util";
import type { z } from "zod";
import { keygen, keygenFlags } from "./commands/keygen.ts";
import { register, registerFlags } from "./commands/register.ts";
import { listSecrets, removeSecret, secretsSetFlags, setSecret } from "./commands/secrets.ts";
import { sign, signFlags } from "./commands/sign.ts";
import { verify, verifyFlags } from "./commands/verify.ts";
import { EXIT, Failure } from "./failure.ts";

const HELP = `farhand: sign runbooks, and seal secrets to agents; keys and values never leave this machine

  farhand keygen [--out FILE] [--kind ed25519|p256] [--passphrase]
      Make a key. Prints its public half and fingerprint.

  farhand register --name NAME [--key FILE]
      Tell the organization the public half.

  farhand sign FILE.md [--version N] [--expires-in-days N] [--key FILE]
      Sign the version that has the content of this file.

  farhand sign RUNBOOK [--version N] [--expires-in-days N] [--key FILE] [--yes]
      Show a version, by the runbook's id or title, and sign it when you agree.

  farhand verify RUNBOOK|FILE.md --trust PUBLICKEY... [--version N]
      Say which of these keys signed it; exit code 1 when none did.

  farhand secrets set NAME --pool POOL [--agent NAME]... [--fingerprint F]...
      Seal a value to agents: of a whole pool, or those that are named. It is
      read from stdin, or asked for. With --fingerprint, as farhand-agent status
      shows it, nothing is sealed to another key.

  farhand secrets list
      Names of secrets, and which agents hold them.

  farhand secrets remove NAME
      Have agents forget what was sealed to them.

  farhand --help

Environment: FARHAND_URL, FARHAND_API_KEY, FARHAND_SIGNING_KEY (a file),
FARHAND_KEY_PASSPHRASE. Exit codes: 0 done, 1 not done, 2 asked wrongly.
`;

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;
const help = { help: { type: "boolean", short: "h" } } as const;

const many = { type: "string", multiple: true } as const;

const COMMANDS = {
  keygen: {
    options: { ...help, out: text, kind: text, passphrase: flag },
    run: ({ flags }: Input) => keygen(read(keygenFlags, flags)),
  },
  register: {
    options: { ...help, name: text, key: text },
    run: ({ flags }: Input) => register(read(registerFlags, flags)),
  },
  sign: {
    options: { ...help, version: text, "expires-in-days": text, key: text, yes: flag },
    run: ({ flags, what }: Input) => sign(what("sign"), read(signFlags, flags)),
  },
  verify: {
    options: { ...help, version: text, trust: many },
    run: ({ flags, what }: Input) => verify(what("verify"), read(verifyFlags, { trust: [], ...flags })),
  },
  "secrets set": {
    options: { ...help, pool: text, agent: many, fingerprint: many },
    run: ({ flags, what }: Input) => setSecret(what("set"), read(secretsSetFlags, flags)),
  },
  "secrets list": { options: help, run: () => listSecrets() },
  "secrets remove": { options: help, run: ({ what }: Input) => removeSecret(what("remove")) },
} as const;

/** The others take flags alone. */
const TAKES_ONE: readonly (keyof typeof COMMANDS)[] = ["sign", "verify", "secrets set", "secrets remove"];

interface Input {
  flags: Record<string, unknown>;
  /** The one thing that it is about. @throws Failure */
  what(command: string): string;
}

async function main(args: string[]): Promise<void> {
  // Two words name some of them.
  const words = args[0] === "secrets" && args.length > 1 ? 2 : 1;
  const [name = "--help", rest] = [args.slice(0, words).join(" ") || undefined, args.slice(words)];
  if (name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(HELP);
    return;
  }
  if (!isCommand(name)) throw new Failure(`there is no command "${name}"; see farhand --help`, EXIT.usage);
  const command = COMMANDS[name];
  const { values, positionals } = parse(rest, command.options);
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const takes = TAKES_ONE.some((each) => each === name) ? 1 : 0;
  const [surplus] = positionals.slice(takes);
  if (surplus !== undefined) throw new Failure(`"${surplus}" is too much; see farhand --help`, EXIT.usage);
  await command.run({
    flags: Object.fromEntries(Object.entries(values).map(([key, value]) => [camelCase(key), value])),
    what: (verb) => {
      const [what] = positionals;
      if (what !== undefined) return what;
      const kinds = name.startsWith("secrets")
        ? "the name of a secret"
        : "a runbook's id or title, or a Markdown file";
      throw new Failure(`say what to ${verb}: ${kinds}`, EXIT.usage);
    },
  });
}

function isCommand(name: string): name is keyof typeof COMMANDS {
  return Object.hasOwn(COMMANDS, name);
}

function parse(args: string[], options: (typeof COMMANDS)[keyof typeof COMMANDS]["options"]) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : error}; see farhand --help`, EXIT.usage);
  }
}

function read<T extends z.ZodType>(schema: T, flags: Record<string, unknown>): z.output<T> {
  const parsed = schema.safeParse(flags);
  if (parsed.success) return parsed.data;
  throw new Failure(parsed.error.issues.map(({ message }) => message).join("\n"), EXIT.usage);
}

function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

main(process.argv.slice(2)).then(
  () => process.exit(EXIT.ok),
  (error) => {
    const words = error instanceof Failure ? error.message : `unexpected failure: ${error}`;
    process.stderr.write(`farhand: ${words}\n`);
    process.exit(error instanceof Failure ? error.exitCode : EXIT.failed);
  },
);
