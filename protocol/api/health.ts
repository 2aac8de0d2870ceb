import { z } from "zod";
import { versionRangeSchema } from "../socket.ts";

/** What the control plane says of itself to everybody. */
export const healthSchema = z.object({
  status: z.literal("ok"),
  /** Versions of messages that it speaks with agents (HS1). */
  protocol: versionRangeSchema,
});
