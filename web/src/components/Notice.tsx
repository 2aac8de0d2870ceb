import type { ReactNode } from "react";
import type { Tone } from "./Badge.tsx";
import { classes } from "./classes.ts";

const LOOK = {
  neutral: "border-line bg-sunken text-ink [&>svg]:text-muted",
  good: "border-good/25 bg-good-soft text-ink [&>svg]:text-good",
  bad: "border-bad/25 bg-bad-soft text-ink [&>svg]:text-bad",
  warn: "border-warn/25 bg-warn-soft text-ink [&>svg]:text-warn",
  live: "border-live/25 bg-live-soft text-ink [&>svg]:text-live",
  odd: "border-odd/25 bg-odd-soft text-ink [&>svg]:text-odd",
} as const satisfies Record<Tone, string>;

interface Props {
  tone?: Tone;
  icon?: ReactNode;
  title?: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
  className?: string;
  /** `alert` interrupts a screen reader, `status` waits for a pause. */
  role?: "alert" | "status";
}

/** Something to know, in its place on the page. */
export function Notice({ tone = "neutral", icon, title, children, actions, className, role }: Props) {
  return (
    <div
      role={role}
      className={classes(
        "flex items-start gap-2.5 max-sm:flex-wrap rounded-lg border px-3 py-2 [&>svg]:mt-0.5 [&>svg]:size-4 [&>svg]:shrink-0",
        LOOK[tone],
        className,
      )}
    >
      {icon}
      <div className="min-w-0 flex-1 wrap-anywhere">
        {title && <div className="font-medium">{title}</div>}
        {children && <div className={title ? "text-muted" : ""}>{children}</div>}
      </div>
      {actions && (
        <div className="flex shrink-0 items-center gap-2 max-sm:w-full max-sm:pl-6.5">{actions}</div>
      )}
    </div>
  );
}
