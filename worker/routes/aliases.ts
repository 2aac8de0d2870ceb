/** Other addresses of operations, for clients that know them by these. Each is one line: the address, and what it is. */
import { z } from "zod";
import { executionCreateSchema } from "#protocol/api/executions.ts";
import { cancel } from "./executions/cancel.ts";
import { control } from "./executions/control.ts";
import { create } from "./executions/create.ts";
import { events } from "./executions/events.ts";
import { list } from "./executions/list.ts";
import { remove } from "./executions/remove.ts";
import { retry } from "./executions/retry.ts";
import { result } from "./executions/steps.ts";
import { runbookParamsSchema } from "./runbooks/params.ts";
import { rollback } from "./runbooks/rollback.ts";
import { list as listSecrets } from "./secrets/list.ts";

const executeSchema = executionCreateSchema.extend({ runbookId: z.string() });

export const aliasOperations = [
  control,
  create.alias({ path: "/runbooks/{runbookId}/execute" }),
  create.alias({
    path: "/execute",
    params: z.object({}),
    body: executeSchema,
    adapt: ({ body }) => {
      const { runbookId, ...rest } = executeSchema.parse(body);
      return { params: { runbookId }, body: rest };
    },
  }),
  rollback.alias({
    path: "/runbooks/{runbookId}/versions/{version}/rollback",
    params: runbookParamsSchema.extend({ version: z.string().describe("A version's number or id.") }),
    body: "none",
    adapt: ({ params: { runbookId, version } }) => ({
      params: { runbookId },
      body: { version: /^\d+$/.test(String(version)) ? Number(version) : version },
    }),
  }),
  cancel.alias({ path: "/{executionId}/cancel" }),
  retry.alias({ path: "/{executionId}/retry" }),
  remove.alias({ path: "/{executionId}" }),
  result.alias({ path: "/result/{executionId}" }),
  events.alias({ path: "/events/executions/{executionId}" }),
  list.alias({ path: "/user/executions", adapt: ({ query }) => ({ query: { ...query, mine: "1" } }) }),
  listSecrets.alias({ path: "/credentials" }),
];
