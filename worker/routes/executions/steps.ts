/** The steps of an execution, and what came out of it. */
import { z } from "zod";
import { type Execution, executionResultSchema, stepSchema } from "#protocol/api/executions.ts";
import type { ErrorCode } from "#protocol/errors.ts";
import { isExecutionTerminal, stepStateSchema } from "#protocol/states.ts";
import type { AppContext } from "../../context.ts";
import { ApiError, notFound } from "../../errors.ts";
import { operation } from "../../http/operation.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject } from "../../objects.ts";
import { coordinatorFor, executionParamsSchema, stepParamsSchema } from "./params.ts";

const common = { method: "get", tag: "Executions", access: "executions:read" } as const;

const ERRORS: ErrorCode[] = ["not_found"];

async function readExecution(c: AppContext, caller: Caller, executionId: string): Promise<Execution> {
  const coordinator = coordinatorFor(c, caller, executionId);
  const execution = await callObject(coordinator, (object) => object.read());
  if (!execution) throw notFound("execution");
  return execution;
}

export const listSteps = operation(
  {
    ...common,
    errors: ERRORS,
    path: "/executions/{executionId}/steps",
    summary: "List the steps of an execution",
    description: "In the order in which they came to be. Steps whose turn has not come are not there yet.",
    params: executionParamsSchema,
    query: z.strictObject({ state: stepStateSchema.optional() }),
    response: z.array(stepSchema),
  },
  async ({ c, caller, params, query: { state } }) => {
    const { steps } = await readExecution(c, caller, params.executionId);
    return { data: state === undefined ? steps : steps.filter((step) => step.state === state) };
  },
);

export const getStep = operation(
  {
    ...common,
    errors: ERRORS,
    path: "/executions/{executionId}/steps/{stepId}",
    summary: "Get one step of an execution",
    params: stepParamsSchema,
    response: stepSchema,
  },
  async ({ c, caller, params }) => {
    const { steps } = await readExecution(c, caller, params.executionId);
    const step = steps.find(({ id }) => id === params.stepId);
    if (!step) throw new ApiError("not_found", "This execution has no such step, or not yet.");
    return { data: step };
  },
);

export const result = operation(
  {
    ...common,
    errors: ERRORS,
    path: "/executions/{executionId}/result",
    summary: "Get what came out of an execution",
    description: "Also while it goes on: `ended` is then false, and there is what there is so far.",
    params: executionParamsSchema,
    response: executionResultSchema,
  },
  async ({ c, caller, params }) => {
    const { id, state, confirmed, detail, durationMs, steps } = await readExecution(
      c,
      caller,
      params.executionId,
    );
    const bad = ["failed", "timed_out", "unknown", "canceled"];
    const values = steps.flatMap((step) => (step.values ? [[step.id, step.values] as const] : []));
    return {
      data: {
        id,
        state,
        ended: isExecutionTerminal(state),
        confirmed,
        detail,
        durationMs,
        values: Object.fromEntries(values),
        failed: steps.filter((step) => bad.includes(step.state)),
      },
    };
  },
);
