import type { ReactNode } from "react";
import { classes } from "./classes.ts";

/** The column most pages stand in. */
export function Page({ children, narrow }: { children: ReactNode; narrow?: boolean }) {
  return (
    <div className={classes("mx-auto w-full px-4 py-5 sm:px-8 sm:py-7", narrow ? "max-w-3xl" : "max-w-6xl")}>
      {children}
    </div>
  );
}

/** A raised sheet that holds a list or a form. */
export function Card({ children, className }: { children: ReactNode; className?: string }) {
  return (
    <div
      className={classes("overflow-hidden rounded-lg border border-line bg-surface shadow-raised", className)}
    >
      {children}
    </div>
  );
}
