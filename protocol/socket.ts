/** What both agent sockets share. */
import { z } from "zod";
import { jsonProblem } from "./json.ts";

export const versionRangeSchema = z.strictObject({
  min: z.number().int().positive(),
  max: z.number().int().positive(),
});

/** Names a command for its acknowledgement; says what it is about, so the same command has the same id. */
export const commandIdSchema = z.string().min(1).max(1200);

/** Rule CM1: says "this command arrived"; until then it is sent again. */
export const ackSchema = z.strictObject({ type: z.literal("ack"), id: commandIdSchema });

/** A lease: one slot of one agent for one execution. The fence orders grants (LS1). */
export const leaseSchema = z.strictObject({
  id: z.string().max(64),
  executionId: z.string().max(64),
  fence: z.number().int().positive(),
});
export type Lease = z.infer<typeof leaseSchema>;

/** Why a server ended a socket; the agent acts on the code and shows the reason. */
export const CLOSE_CODES = {
  /** Going away for a deploy or a drain: reconnect with backoff. */
  restart: 1012,
  /** A frame that is not of the protocol: reconnect with backoff. */
  protocolError: 4400,
  /** The agent is unknown or revoked: keep trying, slowly. */
  revoked: 4403,
  /** The lease ended or was never this agent's: do not reopen this data socket. */
  leaseOver: 4410,
  /** The same identity connected from elsewhere: dial again, after a longer pause. */
  replaced: 4409,
  /** Two machines use this agent's key: it gets no work until a person has put it right (HS5). */
  quarantined: 4423,
  /** No shared protocol version; the reason says who has to upgrade (HS1). */
  upgradeRequired: 4426,
  /** The peer was silent for too long (HS3). */
  silent: 4408,
} as const;

export type Parsed<T> = { ok: true; message: T } | { ok: false; reason: string };

/**
 * Parses one JSON frame at the edge of a socket: a typed message or a reason,
 * never an exception.
 * @param maxLength most characters, where the socket itself has no limit
 */
export function parseFrame<T>(
  schema: z.ZodType<T>,
  frame: string,
  maxLength = Number.POSITIVE_INFINITY,
): Parsed<T> {
  if (frame.length > maxLength) {
    return { ok: false, reason: `frame is over ${maxLength / 1024 / 1024} MiB` };
  }
  let json: unknown;
  try {
    json = JSON.parse(frame);
  } catch {
    return { ok: false, reason: "frame is not JSON" };
  }
  const problem = jsonProblem(json);
  if (problem) return { ok: false, reason: `frame ${problem}` };
  const result = schema.safeParse(json);
  if (result.success) return { ok: true, message: result.data };
  const issue = result.error.issues[0];
  const where = issue?.path.join(".") ?? "";
  return {
    ok: false,
    reason: `${where ? `${where}: ` : ""}${issue?.message ?? "unknown message"}`.slice(0, 200),
  };
}
