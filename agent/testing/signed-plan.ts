/** A signed plan and the agent that is asked to run it, for tests. */
import { canonicalJson, digestOf } from "#protocol/digest.ts";
import { newId } from "#protocol/ids.ts";
import { type Plan, planDigest } from "#protocol/plan.ts";
import { parseRunbook } from "#protocol/runbook/parse.ts";
import { type Signer, signStatement } from "#protocol/signatures/jws.ts";
import type { Algorithm } from "#protocol/signatures/keys.ts";
import type { ApprovalStatement, VersionStatement } from "#protocol/signatures/statements.ts";
import { generateSigningKey, signerOf } from "#protocol/signatures/webCrypto.ts";

export const NOW = Date.UTC(2030, 0, 1);
const HOUR_MS = 3_600_000;

const SOURCE = `---
title: Rotate the certificate
description: Of the web servers.
parameters:
  - name: version
    type: string
    pattern: "[0-9.]+"
  - name: count
    type: number
    default: 2
target:
  pool: web
  labels: { env: prod }
---

\`\`\`farhand
kind: command
name: look
script: uptime
outputs: [load]
\`\`\`

\`\`\`farhand
kind: approval
name: go
markdown: Rotate?
\`\`\`

\`\`\`farhand
kind: command
name: rotate
script: ./rotate "$VERSION"
env:
  MODE: safe
  VERSION: { expr: params.version }
  LOAD: { expr: steps.look.outputs.load }
retry: { max-attempts: 2 }
\`\`\`

\`\`\`farhand
kind: runbook
name: tell
runbook: Tell the channel
\`\`\`

<!-- finally -->

\`\`\`farhand
kind: command
name: clean
script: rm -f /tmp/x
\`\`\`
`;

export async function person(algorithm: Algorithm): Promise<Signer> {
  return signerOf(await generateSigningKey(algorithm));
}

export const ids = {
  organizationId: newId("organization"),
  runbookId: newId("runbook"),
  executionId: newId("execution"),
  poolId: newId("pool"),
};

/** A plan of a version that this author signed. */
export async function plannedBy(author: Signer, more: Partial<VersionStatement> = {}): Promise<Plan> {
  const parsed = parseRunbook(SOURCE);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const { document } = parsed;
  const { organizationId, runbookId, poolId } = ids;
  const versionHash = await digestOf(document);
  const signature = await signStatement(
    {
      type: "farhand.version.v1",
      ...{ organizationId, runbookId, versionNumber: 7, versionHash },
      ...{ signedAt: NOW - HOUR_MS, expiresAt: NOW + HOUR_MS },
      ...more,
    },
    author,
  );
  const { title, description, parameters, target, blocks, finally: last } = document;
  const childId = newId("version");
  const child = { runbookId: newId("runbook"), versionId: childId, versionNumber: 1, versionHash };
  return {
    ...{ schema: 1, organizationId, runbookId, title, versionId: newId("version") },
    ...{ versionNumber: 7, versionHash, blocks, finally: last },
    target: { poolId, poolName: "web", labels: { env: "prod" } },
    signed: {
      ...(description !== undefined && { description }),
      parameters,
      target,
      signatures: [signature],
    },
    parameters: { version: "1.2.3", count: 2 },
    pools: { other: newId("pool") },
    runbooks: {
      [childId]: {
        ...{ ...child, title: "Tell the channel", definitions: [], blocks: [] },
        target: { poolId, poolName: "web", labels: {} },
      },
    },
    children: { tell: childId },
    nonce: crypto.randomUUID(),
    expiresAt: NOW + HOUR_MS,
  };
}

export async function approvalOf(
  plan: Plan,
  approver: Signer,
  more: Partial<ApprovalStatement> = {},
): Promise<string> {
  const { organizationId, executionId } = ids;
  return signStatement(
    {
      type: "farhand.approval.v1",
      ...{ organizationId, executionId, step: "go", planDigest: await planDigest(plan) },
      ...{ decision: "approve", signedAt: NOW, expiresAt: NOW + HOUR_MS },
      ...more,
    },
    approver,
  );
}

/** A signature of this header and payload as they are, whatever they say. */
export async function forged(header: unknown, payload: unknown, signer: Signer): Promise<string> {
  const text = (value: unknown) => (typeof value === "string" ? value : canonicalJson(value));
  const part = (value: unknown) => Buffer.from(text(value)).toString("base64url");
  const signed = `${part(header)}.${part(payload)}`;
  const signature = await signer.sign(new TextEncoder().encode(signed));
  return `${signed}.${Buffer.from(signature).toString("base64url")}`;
}

/** Header and payload of a signature. */
export function partsOf(signature: string): {
  header: Record<string, unknown>;
  payload: Record<string, unknown>;
} {
  const [header = "", payload = ""] = signature.split(".");
  const read = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString());
  return { header: read(header), payload: read(payload) };
}
