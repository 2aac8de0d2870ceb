import { formatAgo, formatDuration, formatTimestamp } from "./format.ts";
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
