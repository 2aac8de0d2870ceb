import type { SealedEnvelope } from "#protocol/sealing/envelope.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError, notFound } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, poolOf } from "../../objects.ts";
import type { SealProblem } from "../../pool/deliveries.ts";

/**
 * Passes a sealed secret on to agents. Nothing here can open it. Safe to
 * repeat; of agents in one pool all are asked, or none.
 * @throws ApiError `not_found`, `conflict`
 */
export async function putSecret(
  env: Env,
  caller: Caller,
  name: string,
  envelopes: Record<string, SealedEnvelope>,
): Promise<void> {
  const organizationId = caller.organization.id;
  const agents = await tenantDb(env.DB, organizationId).agents.among(Object.keys(envelopes));
  if (agents.length < Object.keys(envelopes).length) throw notFound("agent");
  const byPool = Map.groupBy(agents, ({ poolId }) => poolId);
  for (const [poolId, own] of byPool) {
    const theirs = Object.fromEntries(
      own.flatMap(({ id }) => (envelopes[id] ? [[id, envelopes[id]] as const] : [])),
    );
    const [problem] = await callObject(poolOf(env, organizationId, poolId), (pool) =>
      pool.sealSecret(name, theirs, caller.actor),
    );
    if (problem) throw new ApiError("conflict", wordsOf(problem));
  }
}

function wordsOf({ agentId, problem }: SealProblem): string {
  switch (problem) {
    case "no_key":
      return `The agent ${agentId} takes no sealed secrets: it has not connected yet, or is older. Leave it out.`;
    case "newer":
      return `The agent ${agentId} was sent a later version of this secret. Read the secret and seal it again.`;
    case "full":
      return `Too much waits for the agent ${agentId} already. Bring it back, or leave it out.`;
    default:
      return problem satisfies never;
  }
}
