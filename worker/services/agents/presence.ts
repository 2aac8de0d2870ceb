import type { Agent } from "#protocol/api/pools.ts";
import { sealingFingerprint } from "#protocol/sealing/keys.ts";
import type { AgentRecord } from "../../db/repositories/agents.ts";
import type { Env } from "../../env.ts";
import { mapConcurrently } from "../../http/concurrency.ts";
import { callObject, poolOf } from "../../objects.ts";

/** Adds to each agent what only its pool knows: what it is doing now, what it found on its host, and the key that secrets are sealed to. */
export async function withPresence(
  env: Env,
  organizationId: string,
  agents: AgentRecord[],
): Promise<Agent[]> {
  const poolIds = [...new Set(agents.filter((agent) => !agent.revokedAt).map((agent) => agent.poolId))];
  const known = await mapConcurrently(poolIds, (poolId) =>
    callObject(poolOf(env, organizationId, poolId), async (pool) => {
      const ids = agents.filter((agent) => agent.poolId === poolId).map(({ id }) => id);
      const [presence, sealing, hellos] = await Promise.all([
        pool.presence(),
        pool.sealingKeys(),
        pool.lastHellos(ids),
      ]);
      return { presence, sealing, hellos };
    }),
  );
  const presence = new Map(known.flatMap((each) => Object.entries(each.presence)));
  const sealing = new Map(known.flatMap((each) => Object.entries(each.sealing)));
  const hellos = new Map(known.flatMap((each) => Object.entries(each.hellos)));
  return Promise.all(
    agents.map(async (agent) => {
      const key = sealing.get(agent.id);
      const hello = hellos.get(agent.id);
      const isHere = presence.has(agent.id);
      return {
        ...agent,
        hostLabels: hello?.hostLabels,
        lastSeenAt: hello && !isHere ? new Date(hello.seenAt).toISOString() : undefined,
        presence: presence.get(agent.id),
        sealing: key && { ...key, fingerprint: await sealingFingerprint(key.publicKey) },
      };
    }),
  );
}
