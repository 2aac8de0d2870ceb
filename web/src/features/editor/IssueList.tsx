import { CircleAlert } from "lucide-react";
import type { ProblemIssue } from "#protocol/errors.ts";

/** Everything that is wrong with the source; each leads to its place. */
export function IssueList({
  issues,
  onGo,
}: {
  issues: readonly ProblemIssue[];
  onGo(issue: ProblemIssue): void;
}) {
  if (issues.length === 0) return null;
  return (
    <section
      aria-label="Problems"
      className="max-h-40 shrink-0 overflow-y-auto border-t border-line bg-surface py-1"
    >
      <ul>
        {issues.map((issue) => (
          <li key={`${issue.line}:${issue.column} ${issue.message}`}>
            <button
              type="button"
              onClick={() => onGo(issue)}
              className="flex w-full items-start gap-2 px-4 py-1 text-left text-[0.8125rem] hover:bg-hover focus-visible:-outline-offset-2 pointer-coarse:py-2.5"
            >
              <CircleAlert className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden />
              <span className="min-w-0 flex-1 wrap-anywhere">{issue.message}</span>
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
