/** What the owner of a host puts beside its agent: a policy and secrets. */
import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Signer } from "#protocol/signatures/jws.ts";

/**
 * Every value begins with this. Of whole groups of three bytes, so that its
 * base64 does not depend on what follows.
 */
const CANARY = "canary-7f3a9";

/** What no file of anybody else may hold: how a value looks in the clear, in base64 and in hex. */
export const TRACES = (["utf8", "base64", "hex"] as const).map((form) => Buffer.from(CANARY).toString(form));

let values = 0;

/** A value as nobody had it before, all of one length, with what shells and URLs have to quote. */
export function secretValue(): string {
  values += 1;
  // Far from every other one: of two that differ in their last bits alone, the base64 may show as either.
  const own = createHash("sha256").update(String(values)).digest("hex").slice(0, 24);
  return `${CANARY} 'q"$&/+<>${own}`;
}

export class SoakHost {
  /** Of everything that the host has for its agent; its state is below. */
  readonly folder: string;
  readonly #author: Signer;
  #edition = 0;

  /** @param author whose signature a runbook needs here */
  constructor(folder: string, author: Signer) {
    this.folder = folder;
    this.#author = author;
    mkdirSync(this.#secrets, { recursive: true, mode: 0o700 });
    this.rotateSecret();
    this.changePolicy();
    const providers = [{ type: "env" }, { type: "file", folder: this.#secrets }];
    writeFileSync(join(folder, "secrets.yaml"), stringify({ providers }), { mode: 0o600 });
  }

  /** For the agent, at each of its starts: the secret in it is another each time. */
  environment(): Record<string, string> {
    return {
      FARHAND_POLICY: this.#policy,
      FARHAND_OWN_POLICY: "true",
      FARHAND_SECRETS_FILE: join(this.folder, "secrets.yaml"),
      FARHAND_SECRET_API_TOKEN: secretValue(),
    };
  }

  /** Another value for the secret that is in a file. */
  rotateSecret(): void {
    this.#replace(join(this.#secrets, "db-password"), `${secretValue()}\n`, 0o600);
  }

  /** Another text with the same meaning, whose rules stand on other lines. */
  changePolicy(): void {
    this.#edition += 1;
    const edition = "# Looked at again.\n".repeat(this.#edition % 20);
    this.#replace(this.#policy, edition + stringify(policyOf(this.#author)), 0o644);
  }

  get #policy(): string {
    return join(this.folder, "policy.yaml");
  }

  get #secrets(): string {
    return join(this.folder, "secrets.d");
  }

  /** Whoever reads meanwhile has the old text or the new one. */
  #replace(path: string, text: string, mode: number): void {
    const next = join(this.folder, "next");
    writeFileSync(next, text, { mode });
    renameSync(next, path);
  }
}

/** Lets in what the soak runs, and little else. */
function policyOf(author: Signer): object {
  return {
    blocks: ["command", "api"],
    interpreters: ["bash"],
    scripts: { deny: ["forbidden-[a-z]+"], operators: ["pipe-to-shell", "rm-root"] },
    users: [userInfo().username],
    secrets: [{ names: ["db-*", "api-*"], runbooks: ["Soak: *"] }],
    hosts: { allow: ["127.0.0.1"], networks: ["loopback"] },
    limits: { timeout: "5m", output: "64MiB", memory: "1GiB", processes: 100, slots: 4, spool: "2GiB" },
    requireSignature: {
      by: "author",
      keys: [{ name: "author", roles: ["author"], publicKey: author.publicKey }],
    },
  };
}
