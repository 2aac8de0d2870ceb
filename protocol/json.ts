import { z } from "zod";

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** True when data has lists or maps that lie deeper in each other than so many levels. */
export function isDeeperThan(data: unknown, levels: number): boolean {
  if (typeof data !== "object" || data === null) return false;
  if (levels === 0) return true;
  return Object.values(data).some((value) => isDeeperThan(value, levels - 1));
}

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
