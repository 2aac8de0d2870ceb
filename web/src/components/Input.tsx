import type { ComponentProps } from "react";
import { classes } from "./classes.ts";

// 16 px on touch screens: anything smaller makes iOS zoom into the field.
const look =
  "w-full rounded-md border border-line-strong bg-surface px-2.5 text-ink shadow-raised placeholder:text-faint hover:border-faint focus-visible:border-focus focus-visible:outline-offset-0 aria-invalid:border-bad disabled:opacity-60 text-sm pointer-coarse:text-base";

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input className={classes(look, "h-8 pointer-coarse:h-11", className)} {...rest} />;
}

/** A text of several lines, as high as its text as far as there is room. */
export function TextArea({ className, ...rest }: ComponentProps<"textarea">) {
  return (
    <textarea
      className={classes(look, "field-sizing-content max-h-72 min-h-16 py-1.5", className)}
      {...rest}
    />
  );
}

/** The platform's own select: the best there is on a phone, and for screen readers. */
export function Select({ className, ...rest }: ComponentProps<"select">) {
  return <select className={classes(look, "h-8 pr-8 pointer-coarse:h-11", className)} {...rest} />;
}

/** A tick with its words; both can be clicked. */
export function CheckField({ children, ...rest }: Omit<ComponentProps<"input">, "type">) {
  return (
    <label className="flex min-h-7 items-center gap-2.5 pointer-coarse:min-h-11">
      <input type="checkbox" className="size-4 shrink-0 accent-accent pointer-coarse:size-5" {...rest} />
      <span className="min-w-0 wrap-anywhere">{children}</span>
    </label>
  );
}
