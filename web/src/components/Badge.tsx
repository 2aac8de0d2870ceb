import type { ReactNode } from "react";
import { classes } from "./classes.ts";

export type Tone = "neutral" | "good" | "bad" | "warn" | "live" | "odd";

export const TONE_TEXT = {
  neutral: "text-muted",
  good: "text-good",
  bad: "text-bad",
  warn: "text-warn",
  live: "text-live",
  odd: "text-odd",
} as const satisfies Record<Tone, string>;

const SOFT = {
  neutral: "bg-sunken text-muted",
  good: "bg-good-soft text-good",
  bad: "bg-bad-soft text-bad",
  warn: "bg-warn-soft text-warn",
  live: "bg-live-soft text-live",
  odd: "bg-odd-soft text-odd",
} as const satisfies Record<Tone, string>;

export function Badge({
  tone = "neutral",
  className,
  children,
}: {
  tone?: Tone;
  className?: string;
  children: ReactNode;
}) {
  return (
    <span
      className={classes(
        "inline-flex h-5 max-w-full items-center gap-1 rounded-full px-2 text-xs font-medium whitespace-nowrap [&_svg]:size-3.5 [&_svg]:shrink-0",
        SOFT[tone],
        className,
      )}
    >
      {children}
    </span>
  );
}
