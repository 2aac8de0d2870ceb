/** Durations (`30s`, `1h30m`) and sizes (`256MiB`) as people write them. */

const DURATION_UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const SIZE_UNITS = { GiB: 1024 ** 3, MiB: 1024 ** 2, KiB: 1024, B: 1 } as const;

/** Milliseconds, or undefined when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d{1,12}(?:ms|[dhms]))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|[dhms])/g)) {
    total += Number(amount) * DURATION_UNITS[unit as keyof typeof DURATION_UNITS];
  }
  return Number.isSafeInteger(total) ? total : undefined;
}

/** The shortest form with one unit. */
export function printDuration(ms: number): string {
  return ms === 0 ? "0s" : printUnit(ms, DURATION_UNITS);
}

/** Bytes, or undefined when the text is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,12})(B|KiB|MiB|GiB)$/.exec(text);
  if (!match) return undefined;
  const bytes = Number(match[1]) * SIZE_UNITS[match[2] as keyof typeof SIZE_UNITS];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest form with one unit. */
export function printSize(bytes: number): string {
  return printUnit(bytes, SIZE_UNITS);
}

function printUnit(value: number, units: Readonly<Record<string, number>>): string {
  for (const [unit, size] of Object.entries(units)) {
    if (value % size === 0) return `${value / size}${unit}`;
  }
  return String(value);
}
