/**
 * What a running agent is asked over the socket in its state directory: one
 * line of JSON each way. The folder lets in its owner and root alone.
 */
import { z } from "zod";
import { agentUpdateSchema } from "#protocol/update.ts";

export const localRequestSchema = z.strictObject({
  command: z.enum(["status", "drain", "undrain", "hold-back", "rotate-key"]),
});
export type LocalRequest = z.infer<typeof localRequestSchema>;

export const agentReportSchema = z.object({
  pid: z.number(),
  version: z.string(),
  startedAt: z.string(),
  connection: z.object({
    state: z.enum(["connected", "connecting", "waiting"]),
    /** Since when it is connected. */
    since: z.string().optional(),
    /** How the last connection, or the last try, ended. */
    problem: z.string().optional(),
    /** Of the control plane's refusal, when it was one. Absent of agents from before there was this. */
    code: z.string().optional(),
    retryInMs: z.number().optional(),
  }),
  draining: z.boolean(),
  /** Those of its labels that it found out about its host, as it told them last. Absent before it has told any, and of agents from before there was this. */
  hostLabels: z.record(z.string(), z.string()).optional(),
  /** It runs from where an updater can replace it. Absent of agents from before there was this. */
  installs: z.boolean().optional(),
  /** How its policy has it replace itself. Absent of agents from before there was this. */
  updates: z.object(agentUpdateSchema.shape).optional(),
  /** As `PolicyInForce` has it. Absent of agents from before there was this. */
  policy: z
    .object({
      digest: z.string(),
      path: z.string(),
      onDisk: z.union([z.object({ digest: z.string() }), z.object({ problem: z.string() })]),
    })
    .optional(),
  slots: z.number(),
  leases: z.array(z.object({ executionId: z.string(), state: z.string() })),
});
export type AgentReport = z.infer<typeof agentReportSchema>;

export const localAnswerSchema = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), report: agentReportSchema, said: z.string().optional() }),
  z.object({ ok: z.literal(false), problem: z.string() }),
]);
export type LocalAnswer = z.infer<typeof localAnswerSchema>;
