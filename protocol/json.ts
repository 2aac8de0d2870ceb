import { z } from "zod";

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** Any JSON. Named, because it holds itself: the API's document says it once. */
export const jsonSchema: z.ZodType<Json> = z
  .lazy(() =>
    z.union([
      z.string(),
      z.number(),
      z.boolean(),
      z.null(),
      z.array(jsonSchema),
      z.record(z.string(), jsonSchema),
    ]),
  )
  .meta({ id: "Json" });
