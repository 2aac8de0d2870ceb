/** Sealing in the browser: what leaves this page is ciphertext alone. */
import type { Agent } from "#protocol/api/pools.ts";
import type { Secret } from "#protocol/api/secrets.ts";
import { type Recipiency, type Recipient, recipientOf, sealForAll } from "#protocol/sealing/recipients.ts";
import { secretNameSchema, secretValueProblem } from "#protocol/secrets.ts";
import { putSecret } from "../../api/queries/secrets.ts";

/** Something that the person who fills the form in has to put right. */
export class SealProblem extends Error {
  override readonly name = "SealProblem";
}

export interface Candidate {
  agent: Agent;
  found: Recipiency;
}

/** Each agent with the key that is sealed to, or why there is none. */
export async function candidatesOf(organizationId: string, agents: readonly Agent[]): Promise<Candidate[]> {
  if (!isSecureContext) throw new SealProblem("Browsers only seal on pages that came over https.");
  return Promise.all(
    agents.map(async (agent) => ({ agent, found: await recipientOf(organizationId, agent) })),
  );
}

export interface Sealing {
  organizationId: string;
  name: string;
  value: Uint8Array;
  recipients: readonly Recipient[];
  /** As it stands; undefined when it is new. */
  known: Secret | undefined;
}

/** Seals the value, wipes it, and sends what came of it. @throws SealProblem, ApiError, UnreachableError */
export async function sealAndSend({
  organizationId,
  name,
  value,
  recipients,
  known,
}: Sealing): Promise<void> {
  try {
    const named = secretNameSchema.safeParse(name);
    if (!named.success) throw new SealProblem(`The name: ${named.error.issues[0]?.message}.`);
    const problem = secretValueProblem(value);
    if (problem) throw new SealProblem(`The value ${problem}.`);
    if (recipients.length === 0) throw new SealProblem("Choose at least one agent.");
    const sealed = sealForAll({ organizationId, name }, recipients, value, known, Date.now());
    const parts = await sealed.catch((error: unknown) => {
      throw new SealProblem(error instanceof Error ? error.message : String(error));
    });
    for (const envelopes of parts) await putSecret(name, envelopes);
  } finally {
    value.fill(0);
  }
}
