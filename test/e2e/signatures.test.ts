/** Promise S6 with everything real: the command line signs, the control plane carries, the agent's host decides. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { executionStateNowSchema } from "#protocol/api/executions.ts";
import { type Signer, signStatement } from "#protocol/signatures/jws.ts";
import { CLI_FILE } from "../../scripts/lib/paths.ts";
import type { FollowedExecution } from "../harness/execution.ts";
import { registerSigner } from "../harness/signer.ts";
import type { Tenant } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

const source = (script: string) => `---
title: Rotate
parameters:
  - name: version
    type: string
    default: "1.2.3"
---

\`\`\`farhand
kind: approval
name: go
markdown: Rotate?
allow-requester: true
\`\`\`

\`\`\`farhand
kind: command
name: rotate
script: |
  ${script}
env:
  VERSION: { expr: params.version }
\`\`\`
`;

/** A machine of somebody who signs: the command line with a folder of its own. */
class Desk {
  readonly folder: string;
  readonly #env: Record<string, string>;

  constructor(tenant: Tenant) {
    this.folder = world().newFolder("desk");
    mkdirSync(this.folder, { recursive: true });
    this.#env = {
      FARHAND_URL: tenant.api.url,
      FARHAND_API_KEY: tenant.apiKey,
      FARHAND_SIGNING_KEY: join(this.folder, "key.pem"),
    };
  }

  farhand(args: readonly string[], env: Record<string, string> = {}) {
    return execa(process.execPath, [CLI_FILE, ...args], {
      ...{ reject: false, stdin: "ignore", extendEnv: false, cwd: this.folder },
      env: { PATH: process.env.PATH ?? "", HOME: this.folder, ...this.#env, ...env },
    });
  }

  /** Makes a key and registers it; the answer is its public half. */
  async key(name: string): Promise<string> {
    const made = await this.farhand(["keygen"]);
    expect([made.exitCode, made.stderr]).toEqual([0, ""]);
    const registered = await this.farhand(["register", "--name", name]);
    expect([registered.exitCode, registered.stderr]).toEqual([0, ""]);
    return /^public key: +(.*)$/m.exec(made.stdout)?.[1] ?? "";
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }
}

async function approve(tenant: Tenant, execution: FollowedExecution, signer: Signer | undefined) {
  await execution.event("step.waiting", ({ step }) => step === "go");
  const { planDigest, plan } = await execution.read();
  const signature =
    signer &&
    (await signStatement(
      {
        type: "farhand.approval.v1",
        ...{ organizationId: tenant.organizationId, executionId: execution.id, step: "go", planDigest },
        ...{ decision: "approve", signedAt: Date.now(), expiresAt: plan.expiresAt },
      },
      signer,
    ));
  const path = `/executions/${execution.id}/steps/go/approve`;
  await tenant.session.call(executionStateNowSchema, "POST", path, { body: { planDigest, signature } });
}

async function strictAgent(tenant: Tenant, keys: object[]) {
  const folder = world().newFolder("policy");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "policy.yaml");
  writeFileSync(file, JSON.stringify({ requireSignature: { by: "both", keys } }), { mode: 0o644 });
  return world().startAgent(tenant, { env: { FARHAND_POLICY: file, FARHAND_OWN_POLICY: "true" } });
}

const rotate = async (execution: FollowedExecution) =>
  (await execution.read()).steps.find(({ id }) => id === "rotate");

describe("[S6] a host that asks for an author's and an approver's signature", () => {
  test("runs what both signed, once, and says of everything else what is missing", async () => {
    const tenant = await world().signUp();
    const desk = new Desk(tenant);
    const alice = await desk.key("alice");
    expect(statSync(join(desk.folder, "key.pem")).mode & 0o777).toBe(0o600);
    const bob = await registerSigner(tenant, "bob");
    await strictAgent(tenant, [
      { name: "alice", roles: ["author"], publicKey: alice },
      { name: "bob", roles: ["approver"], publicKey: bob.publicKey },
    ]);
    const oracle = world().oracle();
    const text = source(`${oracle.line}; echo "rotated to $VERSION"`);
    const runbookId = await tenant.runbook(text);

    const unsigned = await tenant.start(runbookId);
    await approve(tenant, unsigned, bob);
    expect((await unsigned.finished()).state).toBe("failed");
    expect((await rotate(unsigned))?.detail).toMatch(/signature_required.*no signature of its author/);

    const signed = await desk.farhand(["sign", desk.write("rotate.md", text)]);
    expect([signed.exitCode, signed.stderr]).toEqual([0, ""]);
    const verified = await desk.farhand(["verify", "Rotate", "--trust", alice]);
    expect([verified.exitCode, verified.stdout]).toEqual([0, expect.stringContaining("is signed by")]);

    const unapproved = await tenant.start(runbookId);
    await approve(tenant, unapproved, undefined);
    expect((await unapproved.finished()).state).toBe("failed");
    expect((await rotate(unapproved))?.detail).toMatch(/signature_required.*"go" has 0 of 1 signatures/);
    expect(oracle.runs()).toEqual([]);

    const good = await tenant.start(runbookId, { parameters: { version: "2.0" } });
    await approve(tenant, good, bob);
    expect((await good.finished()).state).toBe("succeeded");
    expect(good.stdout("rotate")).toBe("rotated to 2.0\n");
    expect(oracle.runs()).toHaveLength(1);
  });
});

describe("the command line", () => {
  test("signs nothing that is not what was looked at", async () => {
    const tenant = await world().signUp();
    const desk = new Desk(tenant);
    const key = await desk.key("alice");
    const runbookId = await tenant.runbook(source("true"));
    const other = desk.write("other.md", source("rm -rf /"));
    const refused = await desk.farhand(["sign", other]);
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining("is not version 1")]);
    const unseen = await desk.farhand(["sign", runbookId]);
    expect([unseen.exitCode, unseen.stderr]).toEqual([2, expect.stringContaining("--yes")]);
    const unsigned = await desk.farhand(["verify", runbookId, "--trust", key]);
    expect([unsigned.exitCode, unsigned.stderr]).toEqual([1, expect.stringContaining("none of these keys")]);
    const agreed = await desk.farhand(["sign", runbookId, "--yes", "--expires-in-days", "30"]);
    expect([agreed.exitCode, agreed.stderr]).toEqual([0, ""]);
    expect((await desk.farhand(["verify", runbookId, "--trust", key])).exitCode).toBe(0);
  });

  test("keeps a key behind its passphrase, and overwrites none", async () => {
    const desk = new Desk(await world().signUp());
    const passphrase = { FARHAND_KEY_PASSPHRASE: "correct horse" };
    expect((await desk.farhand(["keygen", "--kind", "p256", "--passphrase"], passphrase)).exitCode).toBe(0);
    expect(readFileSync(join(desk.folder, "key.pem"), "utf8")).toContain("ENCRYPTED PRIVATE KEY");
    const again = await desk.farhand(["keygen"]);
    expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining("is there already")]);
    const wrong = await desk.farhand(["register", "--name", "a"], { FARHAND_KEY_PASSPHRASE: "wrong" });
    expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringContaining("this passphrase")]);
    const silent = await desk.farhand(["register", "--name", "a"]);
    expect([silent.exitCode, silent.stderr]).toEqual([1, expect.stringContaining("FARHAND_KEY_PASSPHRASE")]);
    expect((await desk.farhand(["register", "--name", "a"], passphrase)).exitCode).toBe(0);
  });

  test.each([
    [["nonsense"], {}, 2, 'no command "nonsense"'],
    [["sign"], {}, 2, "say what to sign"],
    [["keygen", "more"], {}, 2, '"more" is too much'],
    [["keygen", "--kind", "rsa"], {}, 2, "ed25519 or p256"],
    [["register"], {}, 2, "--name NAME"],
    [["sign", "x", "--version", "zero"], {}, 2, "--version is a whole number"],
    [["sign", "gone.md"], {}, 2, "cannot read gone.md"],
    [["sign", "No such runbook"], {}, 1, 'no runbook "No such runbook"'],
    [["sign", "x"], { FARHAND_API_KEY: "" }, 2, "FARHAND_API_KEY="],
    [["sign", "x"], { FARHAND_API_KEY: "fh_x" }, 1, "not an API key"],
    [["sign", "x"], { FARHAND_URL: "nowhere" }, 2, "not an address"],
    [["sign", "x"], { FARHAND_URL: "http://127.0.0.1:1" }, 1, "cannot be reached"],
    [["register", "--name", "x"], {}, 2, "farhand keygen"],
  ])("says of %j with %j what is wrong", async (args, env, exitCode, words) => {
    const desk = new Desk(await world().signUp());
    const answer = await desk.farhand(args, env);
    expect([answer.exitCode, answer.stderr]).toEqual([exitCode, expect.stringContaining(words)]);
    expect(answer.stderr).not.toContain("    at ");
  });
});
