import { z } from "zod";
import { WAIT_MAX_MS } from "../limits.ts";
import { commonShape, valueSchema } from "./common.ts";

/** True for a time zone that this runtime knows by its IANA name. */
function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }) !== undefined;
  } catch {
    return false;
  }
}

/** Waits for a while, or until a time of day or an instant. Costs nothing meanwhile. */
export const timerBlockSchema = z
  .strictObject({
    kind: z.literal("timer"),
    ...commonShape,
    durationMs: z.number().int().min(0).max(WAIT_MAX_MS).optional(),
    /** `HH:MM` for the next such time in `zone`, or an ISO 8601 instant. */
    until: valueSchema.optional(),
    /** IANA name; UTC when absent. */
    zone: z
      .string()
      .max(64)
      .refine(isTimeZone, { error: "a zone is an IANA name such as Europe/Berlin" })
      .optional(),
  })
  .refine((timer) => (timer.durationMs === undefined) !== (timer.until === undefined), {
    error: "a timer needs either a duration or a time to wait until",
    path: ["durationMs"],
  });
export type TimerBlock = z.infer<typeof timerBlockSchema>;
