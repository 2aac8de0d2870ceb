/** What one attempt may use of its host. Where nothing is said, the host's own limits are all there is. */
export interface StepLimits {
  /** The longest that any step may run, ms, whatever its block says. */
  timeoutMs: number | undefined;
  /** Memory of all its processes together. */
  memoryBytes: number | undefined;
  /** How many processes it may have at once. */
  processes: number | undefined;
  /** Processors it may keep busy: 0.5 is half of one. */
  cpu: number | undefined;
  /** Output that is kept, whatever its block says. */
  outputBytes: number | undefined;
}

export const NO_LIMITS: StepLimits = {
  timeoutMs: undefined,
  memoryBytes: undefined,
  processes: undefined,
  cpu: undefined,
  outputBytes: undefined,
};

/** What a block asks for, but no more than the host allows. */
export function atMost(asked: number, allowed: number | undefined): number {
  return allowed === undefined ? asked : Math.min(asked, allowed);
}

/** The sentence that people read when a step was ended for its memory. */
export function memoryWords(limitBytes: number, by: "kernel" | "agent"): string {
  const who = by === "kernel" ? "the kernel killed it" : "the agent killed it";
  return `${who}: over ${bytesWords(limitBytes)} of memory, which is what this host allows a step`;
}

export function processesWords(limit: number): string {
  return `the agent killed it: it wanted more than ${limit} processes at once, which is what this host allows a step`;
}

function bytesWords(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${Number(value.toFixed(1))} ${units[unit]}`;
}
