import { classes } from "./classes.ts";

/** Code as it is. What is too wide or too long scrolls, by keyboard as well. */
export function CodeBox({ code, className }: { code: string; className?: string }) {
  return (
    <pre
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
      tabIndex={0}
      className={classes(
        "overflow-auto bg-(--log-canvas) px-3 py-2.5 font-mono text-[0.8125rem] leading-5 focus-visible:-outline-offset-2",
        className,
      )}
    >
      {code}
    </pre>
  );
}
