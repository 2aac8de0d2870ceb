/** Sealed secrets in the hands of a real agent: what it keeps, and what it refuses whoever sends it. */
import { createHash, createPublicKey, verify } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { newId } from "#protocol/ids.ts";
import { SEALED_LIFE_MS, type SealedEnvelope } from "#protocol/sealing/envelope.ts";
import { isSignedByOwner, sealingFingerprint, sealingStatement } from "#protocol/sealing/keys.ts";
import { SEALED_AHEAD_MS } from "#protocol/sealing/recipients.ts";
import { sealSecret } from "#protocol/sealing/seal.ts";
import { agentCommand, command, prepareAgent, type Site, site } from "./harness.ts";

prepareAgent();

const NAME = "db-password";
const VALUE = "correct-horse-battery";

interface SealedSite extends Site {
  /** What the agent has told of its key. */
  publicKey(): string;
  seal(
    value: string,
    more?: Partial<{ name: string; version: number; agentId: string; key: string }>,
  ): Promise<SealedEnvelope>;
  /** Ends the agent, and starts it again. */
  restart(): Promise<void>;
  /** Sends it, and waits for the answer. */
  put(envelope: SealedEnvelope, name?: string): Promise<{ outcome: string; detail?: string | undefined }>;
  remove(name?: string): Promise<{ outcome: string }>;
}

async function sealedSite(policy?: string): Promise<SealedSite> {
  const made = await site();
  const env: Record<string, string> = {};
  if (policy !== undefined) {
    writeFileSync(made.path("policy.yaml"), policy, { mode: 0o644 });
    Object.assign(env, { FARHAND_POLICY: made.path("policy.yaml"), FARHAND_OWN_POLICY: "true" });
  }
  let agent = made.start(env);
  await made.plane.connected();
  let count = 0;
  const { plane } = made;
  const publicKey = () => plane.control.of("hello")[0]?.sealing?.publicKey ?? "";
  const answerTo = (id: string, nth = 1) =>
    plane.changes.until(`the answer to ${id}`, () =>
      plane.control
        .of("secret.answer")
        .filter((answer) => answer.id === id)
        .at(nth - 1),
    );
  return {
    ...made,
    publicKey,
    async restart() {
      await agent.terminate();
      agent = made.start(env);
      await plane.connected();
    },
    seal: (value, { name = NAME, version = Date.now(), agentId, key } = {}) => {
      const to = {
        organizationId: plane.organizationId,
        agentId: agentId ?? plane.agents[0]?.agentId ?? "",
        name,
      };
      return sealSecret(to, key ?? publicKey(), Buffer.from(value), version);
    },
    async put(envelope, name = NAME) {
      const id = `put:${++count}`;
      plane.control.send({ type: "secret.put", id, name, envelope });
      const { outcome, detail } = await answerTo(id);
      return { outcome, detail };
    },
    async remove(name = NAME) {
      const id = `remove:${++count}`;
      plane.control.send({ type: "secret.remove", id, name });
      return answerTo(id);
    },
  };
}

/** What a step gets under a variable; undefined when it is refused. */
async function given({ plane, path }: Site, name = NAME): Promise<string | undefined> {
  const out = path(`given-${newId("request")}`);
  const script = `printf %s "$V" > ${out}; echo "it is $V"`;
  const { finished, coordinator } = await plane.run({
    blocks: [command("s", script, { secrets: { V: name } })],
  });
  if (finished.outcome.type !== "exited") return undefined;
  expect(coordinator.output("s", "stdout").toString()).toBe(`it is [secret:${name}]\n`);
  return readFileSync(out, "utf8");
}

it("[S18] makes a key of its own, signs it with its identity, and shows its fingerprint on the host", async () => {
  const made = await sealedSite();
  const { plane, state } = made;
  const sealing = plane.control.of("hello")[0]?.sealing;
  const agent = plane.agents[0];
  if (!sealing || !agent) throw new Error("it has told its key");
  const owner = { organizationId: plane.organizationId, agentId: agent.agentId };
  expect(await isSignedByOwner(owner, sealing, agent.request.publicKey)).toBe(true);
  const identity = createPublicKey({
    ...{ key: { kty: "OKP", crv: "Ed25519", x: agent.request.publicKey }, format: "jwk" },
  });
  const signature = Buffer.from(sealing.signature, "base64url");
  expect(verify(null, sealingStatement(owner, sealing.publicKey), identity, signature)).toBe(true);
  expect(statSync(join(state, "sealing.json")).mode & 0o777).toBe(0o600);
  const fingerprint = await sealingFingerprint(sealing.publicKey);
  const status = await agentCommand(["status", "--state", state]);
  expect(status.stdout).toMatch(new RegExp(`^sealing key +${fingerprint}$`, "m"));
});

it("[S18] keeps a sealed value encrypted on its disk, gives it to a step, and takes it out of output", async () => {
  const made = await sealedSite();
  const { plane, state } = made;
  const envelope = await made.seal(VALUE);
  expect(await made.put(envelope)).toEqual({ outcome: "done" });
  await plane.changes.until("the new name", () =>
    plane.control
      .of("secrets")
      .some(({ secrets }) => secrets.some(({ name, type }) => name === NAME && type === "sealed")),
  );
  expect(await given(made)).toBe(VALUE);
  for (const name of readdirSync(join(state, "sealed"))) {
    const path = join(state, "sealed", name);
    expect(readFileSync(path, "latin1")).not.toContain(VALUE);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }
  // The same again, because the answer was lost (CM2).
  expect(await made.put(envelope)).toEqual({ outcome: "done" });
  const listed = await agentCommand(["secrets", "list", "--state", state]);
  expect(listed.stdout).toBe(`${NAME}  sealed\n`);
});

it("[S18] takes a later value, and never one from before, also after it was removed and the agent started anew", async () => {
  const made = await sealedSite();
  const now = Date.now();
  const [old, later] = [await made.seal("old-value-old", { version: now - 5_000 }), await made.seal(VALUE)];
  expect(await made.put(old)).toEqual({ outcome: "done" });
  expect(await made.put(later)).toEqual({ outcome: "done" });
  expect(await given(made)).toBe(VALUE);
  const refusal = {
    outcome: "refused",
    detail: expect.stringContaining("sealed before what this agent had"),
  };
  expect(await made.put(old)).toEqual(refusal);
  expect(await made.put(await made.seal("another-value", { version: later.version }))).toEqual(refusal);
  expect(await given(made)).toBe(VALUE);

  expect(await made.remove()).toMatchObject({ outcome: "done" });
  expect(await made.remove()).toMatchObject({ outcome: "done" });
  expect(await given(made)).toBeUndefined();
  await made.restart();
  for (const envelope of [old, later]) expect(await made.put(envelope)).toEqual(refusal);
  expect(await made.put(await made.seal("third-value-3"))).toEqual({ outcome: "done" });
  expect(await given(made)).toBe("third-value-3");
});

describe("[S18] an envelope is refused, in words, and nothing is kept", () => {
  const WEEK = SEALED_LIFE_MS + 60_000;
  it.each<[string, (made: SealedSite) => Promise<SealedEnvelope>, string]>([
    [
      "under another name",
      (made) => made.seal(VALUE, { name: "other" }),
      "another name, agent or organization",
    ],
    ["of another agent", (made) => made.seal(VALUE, { agentId: newId("agent") }), "another name, agent"],
    [
      "told as later than it is",
      async (made) => ({ ...(await made.seal(VALUE)), version: Date.now() + 9 }),
      "does not open",
    ],
    ["damaged", async (made) => damaged(await made.seal(VALUE)), "it was damaged"],
    ["cut short", async (made) => ({ ...(await made.seal(VALUE)), sealed: "AAAA" }), "it was damaged"],
    ["from last week", (made) => made.seal(VALUE, { version: Date.now() - WEEK }), "more than 7 days ago"],
    [
      "from the future",
      (made) => made.seal(VALUE, { version: Date.now() + SEALED_AHEAD_MS + 60_000 }),
      "in the future",
    ],
    ["with too short a value", (made) => made.seal("short"), "shorter than 6 bytes"],
    [
      "to another key",
      (made) => made.seal(VALUE, { key: Buffer.alloc(32, 9).toString("base64url") }),
      "it is sealed to the key",
    ],
  ])("%s", async (_, make, words) => {
    const made = await sealedSite();
    expect(await made.put(await make(made))).toEqual({
      outcome: "refused",
      detail: expect.stringContaining(words),
    });
    expect(await given(made)).toBeUndefined();
    expect((await agentCommand(["secrets", "list", "--state", made.state])).stdout).toBe("");
  });

  const damaged = (envelope: SealedEnvelope): SealedEnvelope => {
    const bytes = Buffer.from(envelope.sealed, "base64url");
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    return { ...envelope, sealed: bytes.toString("base64url") };
  };
});

describe("[S7] the host decides which sealed secrets it takes", () => {
  const KEY = createHash("sha256").update("x").digest("base64url");
  it.each([
    [
      "none at all",
      "sealed: {accept: []}\n",
      "policy.yaml:1 sealed.accept: sealed secrets called db-password",
    ],
    ["not this one", "sealed:\n  accept: [web-*]\n", "policy.yaml:2 sealed.accept: sealed secrets called"],
    [
      "none, where it asks for signatures and says nothing",
      `requireSignature:\n  by: author\n  keys: [{name: a, roles: [author], publicKey: "ed25519:${KEY}"}]\n`,
      "this host asks for signatures",
    ],
  ])("%s", async (_, policy, words) => {
    const made = await sealedSite(policy);
    const answer = await made.put(await made.seal(VALUE));
    expect(answer).toEqual({ outcome: "refused", detail: expect.stringContaining(words) });
    expect((await agentCommand(["secrets", "list", "--state", made.state])).stdout).toBe("");
  });

  it("none that it has from somewhere else, and what it gets later from there goes first", async () => {
    const made = await sealedSite();
    const set = (value: string) => agentCommand(["secrets", "set", NAME, "--state", made.state], {}, value);
    expect((await set("set-on-the-host")).code).toBe(0);
    expect(await made.put(await made.seal(VALUE))).toEqual({
      ...{ outcome: "refused", detail: expect.stringContaining("has it already, from its store provider") },
    });
    expect(await given(made)).toBe("set-on-the-host");
    // Nor does the control plane get the host's own one removed.
    expect(await made.remove()).toMatchObject({ outcome: "done" });
    expect(await given(made)).toBe("set-on-the-host");

    const sealed = await made.seal("came-in-sealed", { name: "other" });
    expect(await made.put(sealed, "other")).toEqual({ outcome: "done" });
    await agentCommand(["secrets", "set", "other", "--state", made.state], {}, "set-afterwards");
    expect(await given(made, "other")).toBe("set-afterwards");
  });
});

it("who looks after the host removes a sealed secret there, and the same envelope does not bring it back", async () => {
  const made = await sealedSite();
  const envelope = await made.seal(VALUE);
  await made.put(envelope);
  const removed = await agentCommand(["secrets", "remove", NAME, "--state", made.state]);
  expect(removed.stdout).toBe(`removed ${NAME}\n`);
  expect(await made.put(envelope)).toMatchObject({ outcome: "refused" });
  const again = await agentCommand(["secrets", "remove", NAME, "--state", made.state]);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining(`has no secret "${NAME}"`)]);
});

it("says what to do when its record of versions is damaged, and takes nothing then", async () => {
  const made = await sealedSite();
  await made.put(await made.seal(VALUE));
  writeFileSync(join(made.state, "sealed", ".versions.json"), "{", { mode: 0o600 });
  expect(await made.put(await made.seal("another-value"))).toEqual({
    ...{ outcome: "refused", detail: expect.stringContaining("restore it, or remove the folder") },
  });
  rmSync(join(made.state, "sealed"), { recursive: true });
  expect(await made.put(await made.seal("another-value"))).toEqual({ outcome: "done" });
});
