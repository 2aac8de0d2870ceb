import { classes } from "./classes.ts";

/** The shape of what is coming. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={classes("h-4 animate-breathe rounded bg-hover", className)} />;
}

/** Rows of a list that is being read. */
export function SkeletonRows({ rows = 5 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="divide-y divide-line">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike
        <div key={row} className="flex items-center gap-4 px-4 py-3.5">
          <Skeleton className="size-5 rounded-full" />
          <div className="flex-1 space-y-2">
            <Skeleton className={row % 2 ? "w-2/5" : "w-3/5"} />
            <Skeleton className="h-3 w-1/4" />
          </div>
          <Skeleton className="hidden w-20 sm:block" />
        </div>
      ))}
    </div>
  );
}
