/**
 * Structured logs: one JSON object a line, which the platform's log viewer and
 * any collector index by field. Never pass a secret, a key, a token or output.
 */

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Names that mean the same in every line; anything else may stand beside them. */
export interface LogFields {
  requestId?: string;
  organizationId?: string;
  executionId?: string;
  step?: string;
  agentId?: string;
  poolId?: string;
  /** Whatever was thrown; becomes its message and stack. */
  error?: unknown;
  [name: string]: unknown;
}

/** Writes one line. `message` is a constant sentence; what varies goes into the fields. */
export function log(level: LogLevel, message: string, fields: LogFields = {}): void {
  console[level](logLine(level, message, fields));
}

/** The line that `log` writes. */
export function logLine(level: LogLevel, message: string, fields: LogFields): string {
  const { error, ...rest } = fields;
  const line = {
    time: new Date().toISOString(),
    level,
    message,
    ...rest,
    ...(error === undefined ? {} : { error: describe(error) }),
  };
  try {
    return JSON.stringify(line);
  } catch {
    return JSON.stringify({ time: line.time, level, message, error: "fields have no JSON form" });
  }
}

function describe(error: unknown): { message: string; stack?: string } {
  if (!(error instanceof Error)) return { message: String(error) };
  return { message: error.message, stack: error.stack };
}
