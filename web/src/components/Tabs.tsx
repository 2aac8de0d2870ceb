import { Tabs as Radix } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { classes } from "./classes.ts";

export const Tabs = Radix.Root;

export function TabList({
  label,
  className,
  children,
}: {
  label: string;
  className?: string;
  children: ReactNode;
}) {
  return (
    <Radix.List
      aria-label={label}
      className={classes("flex gap-5 overflow-x-auto border-b border-line", className)}
    >
      {children}
    </Radix.List>
  );
}

export function Tab({ className, ...rest }: ComponentProps<typeof Radix.Trigger>) {
  return (
    <Radix.Trigger
      className={classes(
        "-mb-px flex h-9 shrink-0 items-center gap-1.5 border-b-2 border-transparent text-muted hover:text-ink focus-visible:-outline-offset-2 data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-ink pointer-coarse:h-11",
        className,
      )}
      {...rest}
    />
  );
}

export const TabPanel = Radix.Content;
