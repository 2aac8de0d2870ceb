/** Which agents were left without a sealed secret: those that joined a pool after it was sealed. Pure. */
import type { Agent } from "#protocol/api/pools.ts";
import type { Secret } from "#protocol/api/secrets.ts";
import { SEALED_TYPE } from "#protocol/secrets.ts";

/** Whether people have sealed it to somebody, and it is not forgotten. */
export function isSealed({ types, deliveries }: Secret): boolean {
  return types.includes(SEALED_TYPE) || deliveries.some(({ action }) => action === "put");
}

/** Agents beside those that it was sealed to, in the same pools, that neither hold it nor are being sent it. */
export function agentsWithout(secret: Secret, agents: readonly Agent[]): Agent[] {
  const holders = new Set(secret.agents.map(({ id }) => id));
  const put = secret.deliveries.filter(({ action }) => action === "put");
  const waiting = new Set(put.filter(({ state }) => state === "pending").map(({ agent }) => agent.id));
  const sealedTo = new Set([
    ...secret.agents.filter(({ type }) => type === SEALED_TYPE).map(({ id }) => id),
    ...put.map(({ agent }) => agent.id),
  ]);
  const pools = new Set(agents.filter(({ id }) => sealedTo.has(id)).map(({ poolId }) => poolId));
  return agents.filter(
    ({ id, poolId, revokedAt }) => !revokedAt && pools.has(poolId) && !holders.has(id) && !waiting.has(id),
  );
}
