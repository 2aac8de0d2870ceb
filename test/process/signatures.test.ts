/** A host that asks for approvers' signatures: what ran of a plan does not run again, whoever asks. */
import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { Block } from "#protocol/blocks/index.ts";
import { newId } from "#protocol/ids.ts";
import { planDigest } from "#protocol/plan.ts";
import { type Signer, signStatement } from "#protocol/signatures/jws.ts";
import { generateSigningKey, signerOf } from "#protocol/signatures/webCrypto.ts";
import { planOf } from "./fake-control-plane.ts";
import { agentCommand, command, linesOf, oracle, prepareAgent, type Site, site } from "./harness.ts";

prepareAgent();

/** An agent that knows one approver, and an approved plan whose second step leaves a line. */
async function approvedSite() {
  const made = await site({ slots: 8 });
  const approver = signerOf(await generateSigningKey("EdDSA"));
  const env = { FARHAND_POLICY: requirement(made, approver), FARHAND_OWN_POLICY: "true" };
  const trace = made.path("oracle");
  const blocks: Block[] = [
    { kind: "approval", id: "go" },
    command("work", `${oracle(trace)}\n[ "$FARHAND_ATTEMPT" = 2 ]`, { retry: { maxAttempts: 4 } }),
  ];
  const { organizationId, poolId } = made.plane;
  const plan = { ...planOf({ blocks }), organizationId };
  plan.target.poolId = poolId;
  const executionId = newId("execution");
  const approval = await signStatement(
    {
      type: "farhand.approval.v1",
      ...{ organizationId, executionId, step: "go", planDigest: await planDigest(plan) },
      ...{ decision: "approve", signedAt: Date.now(), expiresAt: plan.expiresAt },
    },
    approver,
  );
  const options = { blocks, plan, executionId, approvals: [approval], firstStep: "work" };
  return { ...made, env, trace, options };
}

function requirement({ path }: Site, { publicKey }: Signer): string {
  const file = path("policy.yaml");
  const keys = [{ name: "bob", roles: ["approver"], publicKey }];
  writeFileSync(file, JSON.stringify({ requireSignature: { by: "approver", keys } }), { mode: 0o644 });
  return file;
}

it("[S6] an approved attempt runs once, under whatever lease and after whatever crash it comes again", async () => {
  const { plane, start, env, trace, options } = await approvedSite();
  const agent = start(env);
  await plane.connected();
  const first = await plane.run(options);
  expect(first.finished.outcome).toEqual({ type: "exited", exitCode: 1 });

  const replayed = { type: "refused", code: "replayed", detail: expect.stringContaining("ran here already") };
  const again = await plane.run({ ...options, after: first.coordinator });
  expect(again.finished.outcome).toEqual(replayed);

  await agent.kill();
  const restarted = start(env);
  await plane.connected();
  const afterwards = await plane.run({ ...options, after: again.coordinator });
  expect(afterwards.finished.outcome).toEqual(replayed);
  // It failed, and the signed plan allows another attempt; that succeeds, and then there is none.
  const second = await plane.run({ ...options, after: afterwards.coordinator, attempt: 2 });
  expect(second.finished.outcome).toEqual({ type: "exited", exitCode: 0 });
  const done = { ...replayed, detail: expect.stringContaining("has succeeded here already") };
  const third = await plane.run({ ...options, after: second.coordinator, attempt: 3 });
  expect(third.finished.outcome).toEqual(done);
  await restarted.kill();
  start(env);
  await plane.connected();
  const fourth = await plane.run({ ...options, after: third.coordinator, attempt: 4 });
  expect(fourth.finished.outcome).toEqual(done);
  const fifth = await plane.run({ ...options, after: fourth.coordinator, attempt: 5 });
  expect(fifth.finished.outcome).toMatchObject({ type: "refused", code: "signature_required" });
  const elsewhere = await plane.run({ ...options, executionId: newId("execution") });
  expect(elsewhere.finished.outcome).toMatchObject({ type: "refused", code: "signature_invalid" });
  expect(linesOf(trace)).toHaveLength(2);
});

it.each([
  ["asks for what nobody could give", "{by: both}", "needs a key with the role author"],
  ["asks for nothing that is known", "{by: everybody}", "must be one of none, author"],
  [
    "has a key of another kind",
    "{keys: [{name: a, roles: [author], publicKey: ssh-rsa A}]}",
    "farhand keygen",
  ],
  [
    "has a key that is none",
    `{keys: [{name: a, roles: [author], publicKey: "p256:${"A".repeat(43)}.${"A".repeat(43)}"}]}`,
    "is no key",
  ],
])("[S6] an agent does not start on a policy that %s", async (_, text, words) => {
  const { path, state } = await site();
  const file = path("policy.yaml");
  writeFileSync(file, `requireSignature: ${text}\n`, { mode: 0o644 });
  const args = ["run", "--state", state, "--policy", file, "--own-policy"];
  const { code, stderr } = await agentCommand(args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
});
