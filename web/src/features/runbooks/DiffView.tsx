import { classes } from "../../components/classes.ts";

const LOOK = {
  "+": "bg-good-soft text-good",
  "-": "bg-bad-soft text-bad",
  "@": "bg-sunken text-muted",
  " ": "",
};

/** A unified diff, line by line in its colours. What is too wide scrolls, by keyboard as well. */
export function DiffView({ diff }: { diff: string }) {
  // Names of files come before the first part; ours have none.
  const lines = diff
    .slice(Math.max(0, diff.indexOf("@@")))
    .replace(/\n$/, "")
    .split("\n");
  return (
    <pre
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
      tabIndex={0}
      className="overflow-x-auto rounded-lg border border-line bg-(--log-canvas) py-2 font-mono text-[0.8125rem] leading-5"
    >
      <code className="inline-block min-w-full">
        {lines.map((line, index) => (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name, and a diff never changes
            key={index}
            className={classes("block px-3", LOOK[(line[0] ?? " ") as keyof typeof LOOK])}
          >
            {line || " "}
          </span>
        ))}
      </code>
    </pre>
  );
}
