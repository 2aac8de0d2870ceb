/** What people answer to steps that wait for them. */
import {
  executionStateNowSchema,
  stepAcknowledgeSchema,
  stepApproveSchema,
  stepConfirmSchema,
  stepRejectSchema,
  stepSkipSchema,
} from "#protocol/api/executions.ts";
import type { ErrorCode } from "#protocol/errors.ts";
import { operation } from "../../http/operation.ts";
import { approveStep } from "../../services/executions/approve.ts";
import { askExecution, personOf } from "../../services/executions/ask.ts";
import { stepParamsSchema } from "./params.ts";

const common = {
  method: "post",
  tag: "Executions",
  access: "executions:write",
  params: stepParamsSchema,
  response: executionStateNowSchema,
} as const;

const ERRORS: ErrorCode[] = ["not_found", "invalid_state", "invalid_parameters"];

const path = <Verb extends string>(verb: Verb) => `/executions/{executionId}/steps/{stepId}/${verb}` as const;

export const acknowledge = operation(
  {
    ...common,
    errors: ERRORS,
    path: path("acknowledge"),
    summary: "Say that an instruction is done",
    body: stepAcknowledgeSchema,
    example: { note: "done by hand" },
    bodyOptional: true,
  },
  async ({ c, caller, params, body }) => {
    const person = personOf(caller);
    const ask = { type: "answer", step: params.stepId, answer: "acknowledge", person, ...body } as const;
    return { data: await askExecution(c.env, caller, params.executionId, ask) };
  },
);

export const approve = operation(
  {
    ...common,
    path: path("approve"),
    summary: "Approve a plan",
    description:
      "Counts for exactly the plan whose digest is given, once for each person, and never for whoever started the execution unless the block allows it. With a `signature` over the plan it also counts on hosts that run only what an approver signed.",
    body: stepApproveSchema,
    example: { planDigest: "the planDigest of the execution", note: "looked at it" },
    errors: [...ERRORS, "forbidden", "conflict", "invalid_signature"],
  },
  async ({ c, caller, params, body }) => {
    const { executionId, stepId: step } = params;
    return { data: await approveStep(c.env, caller, { executionId, step }, body) };
  },
);

export const reject = operation(
  {
    ...common,
    path: path("reject"),
    summary: "Reject a plan, or a step that asks to be confirmed",
    body: stepRejectSchema,
    example: { note: "not on a Friday" },
    bodyOptional: true,
    errors: [...ERRORS, "forbidden", "conflict"],
  },
  async ({ c, caller, params, body }) => {
    const person = personOf(caller);
    const ask = { type: "answer", step: params.stepId, answer: "reject", person, ...body } as const;
    return { data: await askExecution(c.env, caller, params.executionId, ask) };
  },
);

export const confirm = operation(
  {
    ...common,
    errors: ERRORS,
    path: path("confirm"),
    summary: "Let a step begin that asks to be confirmed",
    body: stepConfirmSchema,
    example: { note: "go" },
    bodyOptional: true,
  },
  async ({ c, caller, params, body }) => {
    const person = personOf(caller);
    const ask = { type: "answer", step: params.stepId, answer: "confirm", person, ...body } as const;
    return { data: await askExecution(c.env, caller, params.executionId, ask) };
  },
);

export const skip = operation(
  {
    ...common,
    errors: ERRORS,
    path: path("skip"),
    summary: "Skip a step that waits",
    body: stepSkipSchema,
    example: { reason: "done by hand" },
  },
  async ({ c, caller, params, body }) => {
    const ask = { type: "skip", step: params.stepId, actor: caller.actor, reason: body.reason } as const;
    return { data: await askExecution(c.env, caller, params.executionId, ask) };
  },
);
