/** What a fleet and the processes that host its agents say to each other. */
import { z } from "zod";

const memberSchema = z.object({
  /** Its place in the fleet. */
  index: z.number(),
  stateDir: z.string(),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  /** Spent when the state directory holds no identity yet. */
  token: z.string(),
});

export const fleetOrderSchema = z.discriminatedUnion("type", [
  /** Enrols whoever is not, and opens every agent; answered with `ready`. */
  z.object({ type: z.literal("open"), url: z.string(), slots: z.number(), members: z.array(memberSchema) }),
  /** Has every agent dial at once. */
  z.object({ type: z.literal("connect") }),
  /** Shuts every agent down in order; the process ends then. */
  z.object({ type: z.literal("stop") }),
]);

export const fleetReportSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), agentIds: z.array(z.string()) }),
  /** The control socket was welcomed. `at` is in ms since the epoch. */
  z.object({ type: z.literal("connected"), index: z.number(), at: z.number() }),
  /** It was lost, or could not be opened; in so many ms it is dialed again. */
  z.object({
    type: z.literal("lost"),
    index: z.number(),
    at: z.number(),
    why: z.string(),
    retryInMs: z.number(),
  }),
  z.object({ type: z.literal("failed"), message: z.string() }),
]);

export type FleetMember = z.infer<typeof memberSchema>;
export type FleetOrder = z.infer<typeof fleetOrderSchema>;
export type FleetReport = z.infer<typeof fleetReportSchema>;
