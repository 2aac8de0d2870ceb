/** Keys that people register, what they sign with them, and how it goes on to agents. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { executionSchema, executionSummarySchema } from "#protocol/api/executions.ts";
import { poolSchema } from "#protocol/api/pools.ts";
import { previewSchema } from "#protocol/api/previews.ts";
import { runbookSchema, type Version } from "#protocol/api/runbooks.ts";
import { signedVersionSchema, signingKeySchema, versionSignatureSchema } from "#protocol/api/signatures.ts";
import { problemSchema } from "#protocol/errors.ts";
import { newId } from "#protocol/ids.ts";
import { type Signer, signStatement } from "#protocol/signatures/jws.ts";
import { thumbprintOf } from "#protocol/signatures/keys.ts";
import type { ApprovalStatement } from "#protocol/signatures/statements.ts";
import { eventually } from "./eventually.ts";
import { type Answer, call, dataOf, ORIGIN, type Person, signUp } from "./harness.ts";
import { acceptOffer, connectAgent, type Line } from "./scriptedAgent.ts";
import { newSigner, register, registeredSigner, signVersion } from "./signer.ts";

let person: Person;
let control: Line;
beforeAll(async () => {
  person = await signUp();
  const [pool] = dataOf(await api("GET", "/pools"), z.array(poolSchema));
  const place = {
    organizationId: person.organizationId,
    poolId: pool?.id ?? "",
    agentId: newId("agent"),
  };
  control = await connectAgent(place, { slots: 100 });
});

const api = (method: string, path: string, body?: unknown, as: object = { key: person.key }) =>
  call(`/api/v1${path}`, { method, ...as, body, headers: { origin: ORIGIN } });
const problemIn = (answer: Answer) => {
  const { status, code, detail } = problemSchema.parse(answer.json);
  return [status, code, detail];
};
const invalid = (words: string) => [422, "invalid_signature", expect.stringContaining(words)];
/** As the API key, and as the person. */
const asKey = () => ({ organizationId: person.organizationId, key: person.key });
const asPerson = () => ({
  ...{ organizationId: person.organizationId, cookie: person.cookie },
  headers: { origin: ORIGIN },
});

const APPROVED = `# Approved\n\n\`\`\`farhand\nkind: approval\nname: go\nmarkdown: Go?\nallow-requester: true\n\`\`\`\n\n\`\`\`bash {name=a}\ntrue\n\`\`\`\n`;
let titles = 0;
const createVersion = async (
  source = `# Runbook ${++titles}\n\n\`\`\`bash {name=a}\ntrue\n\`\`\`\n`,
): Promise<Version> => dataOf(await api("POST", "/runbooks", { source }), runbookSchema).version;
const versionNow = async ({ runbookId, number }: Version) =>
  dataOf(await api("GET", `/runbooks/${runbookId}/versions/${number}`), signedVersionSchema);

describe("a public key", () => {
  test("is registered with proof of its private half, listed with its fingerprint, and revoked", async () => {
    const signer = await newSigner();
    const fingerprint = await thumbprintOf(signer.publicKey);
    const created = dataOf(await register(asKey(), signer, "laptop"), signingKeySchema);
    expect(created).toMatchObject({ name: "laptop", publicKey: signer.publicKey, fingerprint });
    const listed = dataOf(await api("GET", "/signing-keys"), z.array(signingKeySchema));
    expect(listed).toContainEqual(created);
    expect(problemIn(await register(asKey(), signer, "again")).slice(0, 2)).toEqual([409, "conflict"]);

    expect((await api("DELETE", `/signing-keys/${created.id}`)).status).toBe(200);
    expect((await api("DELETE", `/signing-keys/${created.id}`)).status).toBe(200);
    const after = dataOf(await api("GET", "/signing-keys"), z.array(signingKeySchema));
    expect(after.find(({ id }) => id === created.id)?.revokedAt).toBeDefined();
    // It does not come back under another name.
    expect(problemIn(await register(asKey(), signer, "back")).slice(0, 2)).toEqual([409, "conflict"]);
  });

  test("is refused without proof, in words that say what is missing", async () => {
    const [signer, other] = [await newSigner(), await newSigner()];
    const stranger = { ...signer, sign: other.sign };
    expect(problemIn(await register(asKey(), stranger, "x"))).toEqual(invalid("was not made with this key"));
    const old = await register(asKey(), signer, "x", Date.now() - 3_600_000);
    expect(problemIn(old)).toEqual(invalid("ten minutes"));
    const foreign = await register({ ...asKey(), organizationId: newId("organization") }, signer, "x");
    expect(problemIn(foreign)).toEqual(invalid("another organization"));
    const publicKey = "ed25519:short";
    const malformed = await api("POST", "/signing-keys", { publicKey, proof: "a.b.c" });
    expect(malformed.status).toBe(400);
  });

  test("of somebody else is revoked only by who may revoke keys", async () => {
    const mine = await registeredSigner(asKey(), "mine");
    const member = await signUp("Bob");
    await env.DB.batch([
      env.DB.prepare(
        "INSERT INTO members (id, organization_id, user_id, role, created_at) VALUES (?, ?, ?, 'member', ?)",
      ).bind(crypto.randomUUID(), person.organizationId, member.userId, Date.now()),
      env.DB.prepare("UPDATE sessions SET active_organization_id = ? WHERE user_id = ?").bind(
        person.organizationId,
        member.userId,
      ),
    ]);
    const as = { cookie: member.cookie };
    const refused = await api("DELETE", `/signing-keys/${mine.id}`, undefined, as);
    expect(problemIn(refused).slice(0, 2)).toEqual([403, "insufficient_scope"]);
    const owner = { organizationId: person.organizationId, ...as, headers: { origin: ORIGIN } };
    const own = await registeredSigner(owner, "own");
    expect((await api("DELETE", `/signing-keys/${own.id}`, undefined, as)).status).toBe(200);
    expect((await api("DELETE", `/signing-keys/${mine.id}`)).status).toBe(200);
    expect((await api("DELETE", `/signing-keys/${newId("signingKey")}`)).status).toBe(404);
  });
});

describe("[S6] a version", () => {
  test("is signed, shows by whom, and its plans carry the signature until the key is revoked", async () => {
    const version = await createVersion();
    const signer = await registeredSigner(asKey(), "alice");
    expect((await versionNow(version)).signatures).toEqual([]);
    const expiresAt = Date.now() + 3_600_000;
    const answer = await signVersion(asKey(), version, signer, { expiresAt });
    const [signature] = dataOf(answer, z.array(versionSignatureSchema));
    expect(signature).toMatchObject({ key: { name: "alice" }, expiresAt: new Date(expiresAt).toISOString() });
    expect((await versionNow(version)).signatures).toEqual([signature]);
    // Signed again: one signature for each key.
    expect(dataOf(await signVersion(asKey(), version, signer), z.array(z.unknown()))).toHaveLength(1);

    const plan = async () =>
      dataOf(await api("POST", `/runbooks/${version.runbookId}/plan`, {}), previewSchema).plan;
    const [latest] = (await versionNow(version)).signatures;
    expect((await plan()).signed).toEqual({ parameters: [], target: {}, signatures: [latest?.signature] });
    await api("DELETE", `/signing-keys/${signer.id}`);
    expect((await plan()).signed).toBeUndefined();
    expect((await versionNow(version)).signatures[0]?.key.revokedAt).toBeDefined();
    expect(problemIn(await signVersion(asKey(), version, signer))).toEqual(invalid("was revoked"));
  });

  test("takes no signature over something else", async () => {
    const version = await createVersion();
    const signer = await registeredSigner(asKey(), "bob");
    const signed = async (more: object, by: Signer = signer) =>
      problemIn(await signVersion(asKey(), version, by, more));
    expect(await signed({ versionHash: "0".repeat(64) })).toEqual(invalid("versionHash"));
    expect(await signed({ versionNumber: 2 })).toEqual(invalid("versionNumber"));
    expect(await signed({ runbookId: newId("runbook") })).toEqual(invalid("runbookId"));
    expect(await signed({ organizationId: newId("organization") })).toEqual(invalid("organizationId"));
    expect(await signed({ expiresAt: 1 })).toEqual(invalid("expired"));
    expect(await signed({}, await newSigner())).toEqual(invalid("not registered"));
    const forger = { ...signer, sign: (await newSigner()).sign };
    expect(await signed({}, forger)).toEqual(invalid("was not made with"));
    expect((await versionNow(version)).signatures).toEqual([]);
    expect((await signVersion(asKey(), { ...version, number: 9 }, signer)).status).toBe(404);
  });

  test("that another runbook starts brings its own signature along", async () => {
    const inner = await createVersion();
    const signer = await registeredSigner(asKey(), "carol");
    await signVersion(asKey(), inner, signer);
    const source = `# Outer ${titles}\n\n\`\`\`farhand\nkind: runbook\nname: child\nrunbook: ${inner.runbookId}\n\`\`\`\n`;
    const outer = await createVersion(source);
    const { plan } = dataOf(await api("POST", `/runbooks/${outer.runbookId}/plan`, {}), previewSchema);
    expect(plan.signed).toBeUndefined();
    expect(plan.runbooks?.[inner.id]?.signed?.signatures).toHaveLength(1);
  });
});

describe("[S6] an approval", () => {
  const startOne = async () => {
    const { runbookId } = await createVersion(APPROVED);
    const started = await api("POST", `/runbooks/${runbookId}/executions`, {});
    const { id } = dataOf(started, executionSummarySchema);
    const read = async () => dataOf(await api("GET", `/executions/${id}`), executionSchema);
    await eventually(async () => expect((await read()).state).toBe("waiting"));
    return { id, read, planDigest: (await read()).planDigest };
  };
  const approve = async (
    { id, planDigest }: { id: string; planDigest: string },
    signer: Signer,
    more: Partial<ApprovalStatement> = {},
  ) => {
    const statement: ApprovalStatement = {
      type: "farhand.approval.v1",
      ...{ organizationId: person.organizationId, executionId: id, step: "go", planDigest },
      ...{ decision: "approve", signedAt: Date.now(), expiresAt: Date.now() + 3_600_000 },
      ...more,
    };
    const body = { planDigest, signature: await signStatement(statement, signer) };
    return api("POST", `/executions/${id}/steps/go/approve`, body, { cookie: person.cookie });
  };

  test("goes to agents with its signature, and stands with the answer", async () => {
    const signer = await registeredSigner(asPerson(), "approver");
    const execution = await startOne();
    const answer = await approve(execution, signer);
    expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
    const { firstStep } = await acceptOffer(control);
    const [given] = (await execution.read()).steps.find(({ id }) => id === "go")?.answers ?? [];
    expect(given?.signature).toEqual(expect.any(String));
    expect(firstStep.approvals).toEqual([given?.signature]);
  });

  test("takes no signature over something else, or of somebody else's key", async () => {
    const signer = await registeredSigner(asPerson(), "approver 2");
    const execution = await startOne();
    const refused = async (more: Partial<ApprovalStatement>, by: Signer = signer) =>
      problemIn(await approve(execution, by, more));
    expect(await refused({ planDigest: "0".repeat(64) })).toEqual(invalid("planDigest"));
    expect(await refused({ executionId: newId("execution") })).toEqual(invalid("executionId"));
    expect(await refused({ step: "a" })).toEqual(invalid("step"));
    expect(await refused({ expiresAt: 1 })).toEqual(invalid("expired"));
    expect(await refused({}, await newSigner())).toEqual(invalid("not registered"));
    const guest = await signUp("Guest");
    const theirs = await registeredSigner({ ...guest, key: guest.key }, "theirs");
    expect(await refused({}, theirs)).toEqual(invalid("not registered"));
    expect((await execution.read()).state).toBe("waiting");
  });
});
