/** What people read of a step that was ended for what it used. */

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
