import type { Env } from "../env.ts";
import { log } from "../log.ts";
import type { BreakersApi } from "./contract.ts";

/** The breakers of an organization. Ones that cannot answer stop nobody. */
export function breakersOf(env: Env, organizationId: string): BreakersApi {
  const stub = () => env.OUTBOUND_BREAKERS.getByName(organizationId);
  return {
    allow: async (host) => {
      try {
        return await stub().allow(host);
      } catch (error) {
        log("warn", "circuit breakers did not answer", { organizationId, error });
        return { allowed: true, probe: false };
      }
    },
    report: async (host, ok, probe) => {
      try {
        await stub().report(host, ok, probe);
      } catch (error) {
        log("warn", "circuit breakers could not be told", { organizationId, error });
      }
    },
  };
}
