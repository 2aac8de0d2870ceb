import { z } from "zod";
import { executionStateSchema } from "#protocol/states.ts";
import type { ExecutionFilter } from "../../api/queries/executions.ts";

/** What starts executions, as the list tells it. */
export const TRIGGERS = {
  user: "A person",
  api_key: "An API key",
  retry: "A retry",
  parent: "Another execution",
} as const;

const triggerSchema = z.enum(["user", "api_key", "retry", "parent"]) satisfies z.ZodType<
  keyof typeof TRIGGERS
>;

/** The filter in an address; what makes no sense there is left out. Pure. */
export function readFilter(search: URLSearchParams): ExecutionFilter {
  const state = executionStateSchema.safeParse(search.get("state")).data;
  const trigger = triggerSchema.safeParse(search.get("trigger")).data;
  const text = search.get("text")?.trim().slice(0, 200);
  return {
    ...(state && { state }),
    ...(trigger && { trigger }),
    ...(text && { text }),
    ...(search.get("mine") === "1" && { mine: "1" }),
  };
}
