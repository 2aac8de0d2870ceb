/** To whom a secret is sealed: agents as the API tells of them, each with a key that is shown to be its own. */
import type { Agent } from "../api/pools.ts";
import type { Secret } from "../api/secrets.ts";
import { jsonBytes } from "../json.ts";
import { REQUEST_MAX_BYTES } from "../limits.ts";
import { ENVELOPES_MAX, type SealedEnvelope } from "./envelope.ts";
import { isSignedByOwner, sealingFingerprint } from "./keys.ts";
import { sealSecret } from "./seal.ts";

/** A version that the control plane tells is believed no further ahead than this: an agent refuses what is from the future. */
export const SEALED_AHEAD_MS = 24 * 60 * 60 * 1000;

export interface Recipient {
  agentId: string;
  /** As people call it. */
  name: string;
  publicKey: string;
  /** Worked out here, to be compared with what the agent's own host shows. */
  fingerprint: string;
}

export type Recipiency = { ok: true; recipient: Recipient } | { ok: false; problem: string };

/** Whether secrets can be sealed to an agent, and why not in words. */
export async function recipientOf(organizationId: string, agent: Agent): Promise<Recipiency> {
  const { id: agentId, name, sealing } = agent;
  if (!sealing) {
    const problem = `${name} has told no key to seal to: it has not connected yet, is older, or takes none`;
    return { ok: false, problem };
  }
  if (!(await isSignedByOwner({ organizationId, agentId }, sealing, agent.publicKey))) {
    const problem = `${name} has not signed the key that is told for it, or this program cannot check Ed25519: nothing is sealed to it`;
    return { ok: false, problem };
  }
  const { publicKey } = sealing;
  const fingerprint = await sealingFingerprint(publicKey);
  return { ok: true, recipient: { agentId, name, publicKey, fingerprint } };
}

export type Envelopes = Record<string, SealedEnvelope>;

/**
 * Seals a value to each of them, in parts that one request can carry.
 * @param known the secret as it stands; undefined when it is new
 * @param now ms since the epoch
 */
export async function sealForAll(
  { organizationId, name }: { organizationId: string; name: string },
  recipients: readonly Recipient[],
  value: Uint8Array,
  known: Secret | undefined,
  now: number,
): Promise<Envelopes[]> {
  const version = versionAfter(known, now);
  const parts: Envelopes[] = [];
  let size = 0;
  for (const { agentId, publicKey } of recipients) {
    const envelope = await sealSecret({ organizationId, agentId, name }, publicKey, value, version);
    const bytes = jsonBytes({ [agentId]: envelope });
    const last = parts.at(-1);
    const fits = last && Object.keys(last).length < ENVELOPES_MAX && size + bytes < REQUEST_MAX_BYTES - 1_000;
    if (fits) last[agentId] = envelope;
    else parts.push({ [agentId]: envelope });
    size = fits ? size + bytes : bytes;
  }
  return parts;
}

/** Later than what was sealed before, also by somebody whose clock is ahead. */
function versionAfter(known: Secret | undefined, now: number): number {
  const versions = (known?.deliveries ?? []).map(({ version }) => version + 1);
  return Math.max(now, ...versions.filter((version) => version < now + SEALED_AHEAD_MS));
}
