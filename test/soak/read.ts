/** Reads back over the API what became of everything. */
import { z } from "zod";
import { type Execution, executionSchema } from "#protocol/api/executions.ts";
import type { Client } from "../../scripts/lib/client.ts";
import type { StoredAttempt } from "./ledger.ts";

const pageSchema = z.object({
  data: z.array(z.object({ id: z.string() })),
  metadata: z.object({ nextCursor: z.string().optional() }),
});

/** Every execution of the organization, whoever is believed to have started it. */
export async function executionsOf(api: Client): Promise<Execution[]> {
  const found: Execution[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const query = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const response = await api.raw("GET", `/api/v1/executions?limit=100${query}`);
    const { data, metadata } = pageSchema.parse(await response.json());
    for (const { id } of data) found.push(await api.call(executionSchema, "GET", `/executions/${id}`));
    cursor = metadata.nextCursor;
  }
  return found;
}

/** The stdout of every attempt of an execution, as the API has it. */
export async function storedOf(api: Client, { id, steps }: Execution): Promise<StoredAttempt[]> {
  const found: StoredAttempt[] = [];
  for (const step of steps.filter(({ kind }) => kind === "command")) {
    for (let attempt = 1; attempt <= step.attempt; attempt++) {
      const path = `/api/v1/executions/${id}/steps/${encodeURIComponent(step.id)}/output`;
      const response = await api.raw("GET", `${path}?stream=stdout&attempt=${attempt}`);
      found.push({ execution: id, step: step.id, attempt, text: await response.text() });
    }
  }
  return found;
}
