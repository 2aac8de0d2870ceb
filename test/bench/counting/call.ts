/** What the counting worker notes, as it travels from there to the bench. */
import { z } from "zod";

export const callSchema = z.object({
  /** Who called: an API request, an agent's request, or a class of object. */
  from: z.string(),
  kind: z.enum(["d1", "object", "message", "alarm"]),
  /** `read api_keys`, `AgentPool.requestLease`, … */
  what: z.string(),
  /** Only of D1: whether anything is changed. */
  writes: z.boolean(),
  /** Places on a clock that ticks once whenever a call begins or ends; `ended` is absent while it is under way. */
  began: z.number(),
  ended: z.number().optional(),
});

export const callsSchema = z.array(callSchema);
export type Call = z.infer<typeof callSchema>;
