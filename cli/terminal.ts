/** What is said to whoever sits before it, and asked. */
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { SECRET_MAX_BYTES } from "#protocol/secrets.ts";
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
  return askSilently("Passphrase: ");
}

/** All of stdin, or one line that is typed without being shown. @throws Failure for more than a secret may have */
export async function secretInput(question: string): Promise<Uint8Array> {
  if (isInteractive()) return Buffer.from(await askSilently(question));
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of process.stdin as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes > SECRET_MAX_BYTES) throw new Failure(`the value is over ${SECRET_MAX_BYTES / 1024} KiB`);
  }
  return Buffer.concat(parts);
}

async function askSilently(question: string): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await lines.question("");
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}
