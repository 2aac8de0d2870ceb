import { CircleAlert, TriangleAlert } from "lucide-react";
import type { ProblemIssue } from "#protocol/errors.ts";

/** Everything that is wrong with the source, or looks like it; each leads to its place. */
export function IssueList({
  issues,
  warnings,
  onGo,
}: {
  issues: readonly ProblemIssue[];
  warnings: readonly ProblemIssue[];
  onGo(issue: ProblemIssue): void;
}) {
  const all = [
    ...issues.map((issue) => ({ issue, isWarning: false })),
    ...warnings.map((issue) => ({ issue, isWarning: true })),
  ];
  if (all.length === 0) return null;
  return (
    <section
      aria-label="Problems"
      className="max-h-40 shrink-0 overflow-y-auto border-t border-line bg-surface py-1"
    >
      <ul>
        {all.map(({ issue, isWarning }) => (
          <li key={`${issue.line}:${issue.column} ${issue.message}`}>
            <button
              type="button"
              onClick={() => onGo(issue)}
              className="flex w-full items-start gap-2 px-4 py-1 text-left text-[0.8125rem] hover:bg-hover focus-visible:-outline-offset-2 pointer-coarse:py-2.5"
            >
              {isWarning ? (
                <TriangleAlert className="mt-0.5 size-4 shrink-0 text-warn" aria-hidden />
              ) : (
                <CircleAlert className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden />
              )}
              <span className="min-w-0 flex-1 wrap-anywhere">
                {isWarning && <span className="sr-only">Warning: </span>}
                {issue.message}
              </span>
              {issue.line !== undefined && (
                <span className="shrink-0 font-mono text-xs text-muted">
                  {issue.line}:{issue.column ?? 1}
                </span>
              )}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
