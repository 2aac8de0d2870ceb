/** Numbers, times and words as people read them. Pure: the clock is an argument. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `0.4s`, `12s`, `3m 05s`, `2h 07m`, `4d 3h`. */
export function formatDuration(ms: number): string {
  const value = Math.max(0, ms);
  if (value < 10 * SECOND) return `${(Math.floor(value / 100) / 10).toFixed(1)}s`;
  if (value < MINUTE) return `${Math.floor(value / SECOND)}s`;
  if (value < HOUR) return `${Math.floor(value / MINUTE)}m ${pad(Math.floor(value / SECOND) % 60)}s`;
  if (value < DAY) return `${Math.floor(value / HOUR)}h ${pad(Math.floor(value / MINUTE) % 60)}m`;
  return `${Math.floor(value / DAY)}d ${Math.floor(value / HOUR) % 24}h`;
}

/** `just now`, `12s ago`, `5m ago`, `3h ago`, `2d ago`, then the date. */
export function formatAgo(time: number, now: number): string {
  const age = now - time;
  if (age < 5 * SECOND) return "just now";
  if (age < MINUTE) return `${Math.floor(age / SECOND)}s ago`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)}m ago`;
  if (age < DAY) return `${Math.floor(age / HOUR)}h ago`;
  if (age < 7 * DAY) return `${Math.floor(age / DAY)}d ago`;
  return new Date(time).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
}

/** How far off a time is: `12s`, `3m 05s`, `2h 07m`; `a moment` when it is over. */
export function formatUntil(time: number, now: number): string {
  const left = Math.ceil((time - now) / SECOND) * SECOND;
  return left <= 0 ? "a moment" : formatDuration(left).replace(".0s", "s");
}

/** The time of day, with the date unless it is today, in the reader's own zone. */
export function formatMoment(time: number, now: number): string {
  const date = new Date(time);
  const today = date.toDateString() === new Date(now).toDateString();
  return today
    ? date.toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit", timeZoneName: "short" })
    : date.toLocaleString(undefined, {
        month: "short",
        day: "numeric",
        hour: "numeric",
        minute: "2-digit",
        timeZoneName: "short",
      });
}

/** Date and time to the second, in the reader's own zone. */
export function formatTimestamp(time: number): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
}

/** `812 B`, `4.2 KiB`, `64 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : Number(value.toFixed(1))} ${units[unit]}`;
}

/** `12,345`. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 line`, `12,345 lines`. */
export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `1st`, `2nd`, `3rd`, `11th`. */
export function ordinal(count: number): string {
  const lastTwo = count % 100;
  const suffix = lastTwo >= 11 && lastTwo <= 13 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[count % 10] ?? "th");
  return `${count}${suffix}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** What a table or a check says in a few words, as a sentence. */
export function sentence(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;
}
