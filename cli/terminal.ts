/** What is said to whoever sits before it, and asked. */
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { Failure } from "./failure.ts";

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** True for a yes. */
export async function confirmed(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

/** Of `FARHAND_KEY_PASSPHRASE`, or typed without being shown. @throws Failure where nobody can be asked */
export async function passphraseOf(env: Record<string, string | undefined>): Promise<string> {
  if (env.FARHAND_KEY_PASSPHRASE !== undefined) return env.FARHAND_KEY_PASSPHRASE;
  if (!isInteractive()) throw new Failure("the key has a passphrase: give it as FARHAND_KEY_PASSPHRASE");
  process.stderr.write("Passphrase: ");
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await lines.question("");
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}
