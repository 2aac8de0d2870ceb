import { formatAgo, formatDuration, formatMoment, formatTimestamp, formatUntil } from "./format.ts";
import { useNow } from "./useNow.ts";

/** "5m ago", with the exact time on hover. */
export function RelativeTime({ time }: { time: string }) {
  const now = useNow();
  const at = Date.parse(time);
  return (
    <time dateTime={time} title={formatTimestamp(at)} className="whitespace-nowrap">
      {formatAgo(at, now)}
    </time>
  );
}

/** How long something took, or takes: ticks while it has no end. */
export function Elapsed({ since, durationMs }: { since: string; durationMs: number | undefined }) {
  const now = useNow(durationMs === undefined);
  const ms = durationMs ?? Math.max(0, now - Date.parse(since));
  return (
    <span className="whitespace-nowrap tabular-nums">
      {durationMs === undefined
        ? formatDuration(Math.floor(ms / 1_000) * 1_000).replace(".0s", "s")
        : formatDuration(ms)}
    </span>
  );
}

/** "2:00 AM UTC, in 3h 12m": when a wait is over. `time` in ms since the epoch. */
export function Until({ time }: { time: number }) {
  const now = useNow();
  return (
    <time dateTime={new Date(time).toISOString()} title={formatTimestamp(time)} className="tabular-nums">
      {formatMoment(time, now)}, in {formatUntil(time, now)}
    </time>
  );
}
