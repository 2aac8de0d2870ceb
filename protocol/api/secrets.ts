/** Secrets as the API tells of them: never more than their names and where they are. */
import { z } from "zod";

export const secretSchema = z
  .object({
    name: z.string(),
    /** The kinds of providers that have it, such as `vault` or `file`. */
    types: z.array(z.string()),
    /** The agents that hold it, as they have last said. */
    agents: z.array(z.object({ id: z.string(), name: z.string(), poolName: z.string(), type: z.string() })),
  })
  .meta({ id: "Secret" });

export type Secret = z.infer<typeof secretSchema>;
