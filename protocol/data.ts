/**
 * The data socket: agent ↔ ExecutionCoordinator, one per lease. JSON frames are
 * the messages below; binary frames are output chunks (`chunk.ts`), from the
 * agent only.
 */
import { z } from "zod";
import { STREAMS } from "./chunk.ts";
import { jsonBytes, jsonProblem, jsonSchema } from "./json.ts";
import {
  APPROVAL_SIGNATURES_MAX,
  SCRIPT_MAX_BYTES,
  STEP_TIMEOUT_MAX_MS,
  STEPS_MAX,
  VALUES_DEPTH_MAX,
  VALUES_MAX_BYTES,
} from "./limits.ts";
import { signatureSchema } from "./signatures/jws.ts";
import { ackSchema, commandIdSchema, leaseSchema, versionRangeSchema } from "./socket.ts";

const stepPathSchema = z.string().min(1).max(1024);
const attemptSchema = z.number().int().positive();
const bytesSchema = z.number().int().nonnegative();
const streamSchema = z.enum(STREAMS);
const perStream = <T extends z.ZodType>(value: T) => z.strictObject({ stdout: value, stderr: value });

/**
 * What expressions came to, for one attempt: data that goes where the plan has
 * an expression, and nowhere else. Keys are the places in the block, such as
 * `env/VERSION`, `stdin`, `url` or `headers/x-token`.
 */
export const stepInputsSchema = z.record(z.string().max(300), z.string().max(SCRIPT_MAX_BYTES));
export type StepInputs = z.infer<typeof stepInputsSchema>;

/** Values that a step hands on: JSON, by name. */
export const stepValuesSchema = z.record(z.string().max(63), jsonSchema);
export type StepValues = z.infer<typeof stepValuesSchema>;

/**
 * A command (CM1, CM2): run the block that the plan holds at this path. The
 * pair (step, attempt) is what the agent journals; a repeat is answered from
 * the journal and never run again.
 */
export const stepStartSchema = z.strictObject({
  type: z.literal("step.start"),
  id: commandIdSchema,
  step: stepPathSchema,
  attempt: attemptSchema,
  fence: z.number().int().positive(),
  inputs: stepInputsSchema.optional(),
  /** Every signature that approvers have given to the plan so far. */
  approvals: z.array(signatureSchema).max(APPROVAL_SIGNATURES_MAX).optional(),
});
export type StepStart = z.infer<typeof stepStartSchema>;

/** How an attempt ended, as the agent saw it. */
export const attemptOutcomeSchema = z
  .discriminatedUnion("type", [
    z.strictObject({ type: z.literal("exited"), exitCode: z.number().int().min(0).max(255) }),
    z.strictObject({ type: z.literal("signaled"), signal: z.string().max(16) }),
    /**
     * Stopped by a `step.cancel`, by rule LS3, its time limit, because its
     * agent was shut down, or because it took more of its host than it may
     * (`detail` says of what); `confirmed` when the whole tree is known to be gone,
     * and of a request when it had no effect that twice would be too many.
     */
    z.strictObject({
      type: z.literal("stopped"),
      reason: z.enum(["canceled", "timed_out", "disconnected", "agent_stopped", "over_limit"]),
      confirmed: z.boolean(),
      detail: z.string().max(2_000).optional(),
    }),
    /**
     * An `api` block was answered; `expected` says whether that means success.
     * `detail` says what is wrong with an answer whose status would.
     */
    z.strictObject({
      type: z.literal("answered"),
      status: z.number().int().min(100).max(599),
      expected: z.boolean(),
      detail: z.string().max(2_000).optional(),
    }),
    /**
     * An `api` block got no answer: no such host, no connection. `sent`: it may
     * have had an effect that twice would be too many.
     */
    z.strictObject({
      type: z.literal("unanswered"),
      detail: z.string().max(2_000),
      sent: z.literal(true).optional(),
    }),
    /** Nothing was spawned: a refusal by policy, a missing interpreter, a full spool. */
    z.strictObject({ type: z.literal("refused"), code: z.string().max(64), detail: z.string().max(2_000) }),
    /** Found started but not finished after a crash (ST2). */
    z.strictObject({ type: z.literal("unknown"), detail: z.string().max(2_000) }),
  ])
  .meta({ id: "AttemptOutcome" });
export type AttemptOutcome = z.infer<typeof attemptOutcomeSchema>;

/** The output of one stream when it is complete (OT4). `cutBytes` is what was not kept: over the limit (OT5), or lost with its disk. */
export const streamSummarySchema = z
  .strictObject({
    bytes: bytesSchema,
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    cutBytes: bytesSchema,
  })
  .meta({ id: "StreamSummary" });
export type StreamSummary = z.infer<typeof streamSummarySchema>;

/**
 * What the processes of an attempt used, together. `estimated` names what was
 * sampled while it ran, and not counted by the kernel: what is short is missed,
 * and memory that processes share is counted for each of them.
 */
export const stepUsageSchema = z
  .strictObject({
    /** Processor time in programs and in the kernel, ms. */
    userMs: z.number().nonnegative(),
    systemMs: z.number().nonnegative(),
    /** Absent when nothing was seen of it. */
    peakMemoryBytes: bytesSchema.optional(),
    estimated: z.array(z.enum(["cpu", "memory"])).optional(),
  })
  .meta({ id: "StepUsage" });
export type StepUsage = z.infer<typeof stepUsageSchema>;

/** One attempt as the agent's journal has it, told in `hello`. */
const attemptReportSchema = z.strictObject({
  step: stepPathSchema,
  attempt: attemptSchema,
  fence: z.number().int().positive(),
  state: z.enum(["running", "finished"]),
  /** Bytes spooled so far in each stream. */
  spooled: perStream(bytesSchema),
});

export const agentDataMessageSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("hello"),
    protocol: versionRangeSchema,
    lease: leaseSchema,
    attempts: z.array(attemptReportSchema).max(STEPS_MAX),
  }),
  ackSchema,
  /** Sent after `started` is on disk (ST1). */
  z.strictObject({
    type: z.literal("step.started"),
    step: stepPathSchema,
    attempt: attemptSchema,
    fence: z.number().int().positive(),
    pid: z.number().int().positive(),
    time: z.number(),
  }),
  /** Sent after output is flushed and processes are gone (ST3); repeated until `step.recorded`. */
  z.strictObject({
    type: z.literal("step.finished"),
    step: stepPathSchema,
    attempt: attemptSchema,
    fence: z.number().int().positive(),
    outcome: attemptOutcomeSchema,
    time: z.number(),
    durationMs: z.number().nonnegative(),
    streams: perStream(streamSummarySchema),
    /** A descendant kept stdout or stderr open and was not waited for (OT6). */
    leakedOutput: z.boolean(),
    /** Of a command. */
    usage: stepUsageSchema.optional(),
    /** What it wrote to $FARHAND_OUTPUT, or took from an answer. */
    values: stepValuesSchema
      .refine((values) => jsonBytes(values) <= VALUES_MAX_BYTES, `over ${VALUES_MAX_BYTES / 1024} KiB`)
      .refine(isShallow, `nested deeper than ${VALUES_DEPTH_MAX} levels`)
      .optional(),
  }),
]);

function isShallow(values: StepValues): boolean {
  return Object.values(values).every((value) => jsonProblem(value, VALUES_DEPTH_MAX) === undefined);
}

const heldSchema = z.strictObject({
  step: stepPathSchema,
  attempt: attemptSchema,
  /** The agent sends each stream from here on (OT3). */
  held: perStream(bytesSchema),
  /** The result is recorded: the agent may forget the attempt. */
  recorded: z.boolean(),
});

export const coordinatorDataMessageSchema = z.discriminatedUnion("type", [
  /** Answers `hello`: for each attempt told there, what the coordinator holds. */
  z.strictObject({
    type: z.literal("welcome"),
    protocol: z.number().int(),
    /** False when a newer fence exists: finish reporting, start nothing (LS2). */
    current: z.boolean(),
    attempts: z.array(heldSchema),
  }),
  stepStartSchema,
  /** A command: climb the cancel ladder on the attempt's process tree (CX1). */
  z.strictObject({
    type: z.literal("step.cancel"),
    id: commandIdSchema,
    step: stepPathSchema,
    attempt: attemptSchema,
    reason: z.enum(["canceled", "timed_out"]),
    graceMs: z.number().int().nonnegative().max(STEP_TIMEOUT_MAX_MS),
  }),
  /** Everything up to `held` is committed (OT2): the spool may forget it. */
  z.strictObject({
    type: z.literal("output.ack"),
    step: stepPathSchema,
    attempt: attemptSchema,
    stream: streamSchema,
    held: bytesSchema,
  }),
  /** A chunk was missing, corrupt or out of place: send this stream again from `from` (OT3, OT4). */
  z.strictObject({
    type: z.literal("output.resend"),
    step: stepPathSchema,
    attempt: attemptSchema,
    stream: streamSchema,
    from: bytesSchema,
  }),
  /** The result is recorded; the agent may forget the attempt. Safe to repeat. */
  z.strictObject({ type: z.literal("step.recorded"), step: stepPathSchema, attempt: attemptSchema }),
  /** A command: nothing more will come under this lease; with `keepFolder` another one of this execution may. */
  z.strictObject({
    type: z.literal("lease.release"),
    id: commandIdSchema,
    keepFolder: z.boolean().optional(),
  }),
]);

export type AgentDataMessage = z.infer<typeof agentDataMessageSchema>;
export type CoordinatorDataMessage = z.infer<typeof coordinatorDataMessageSchema>;
export type StepFinished = Extract<AgentDataMessage, { type: "step.finished" }>;
export type StepCancel = Extract<CoordinatorDataMessage, { type: "step.cancel" }>;
