import { Play } from "lucide-react";
import { Link } from "react-router";
import type { RunbookSummary } from "#protocol/api/runbooks.ts";
import { Button } from "../../components/Button.tsx";
import { plural } from "../../components/format.ts";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { paths } from "../../routes/paths.ts";

export function RunbookRow({ runbook }: { runbook: RunbookSummary }) {
  return (
    <li className="group relative flex items-center gap-4 px-4 py-3 hover:bg-hover/60">
      <div className="min-w-0 flex-1">
        <Link
          to={paths.runbook(runbook.id)}
          className="line-clamp-3 font-medium wrap-anywhere after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:-outline-offset-2 focus-visible:after:outline-2 focus-visible:after:outline-(--focus)"
        >
          {runbook.title}
        </Link>
        {runbook.description && (
          <p className="line-clamp-2 text-muted wrap-anywhere sm:line-clamp-1">{runbook.description}</p>
        )}
        <p className="mt-0.5 text-xs text-muted sm:hidden">
          v{runbook.latestVersion} · <RelativeTime time={runbook.updatedAt} />
        </p>
      </div>
      <div className="hidden w-24 shrink-0 text-right text-[0.8125rem] text-muted sm:block">
        {plural(runbook.stepCount, "step")}
      </div>
      <div className="hidden w-32 shrink-0 text-right text-[0.8125rem] text-muted sm:block">
        v{runbook.latestVersion} · <RelativeTime time={runbook.updatedAt} />
      </div>
      <Button asChild size="sm" className="relative z-10">
        <Link to={paths.runRunbook(runbook.id)}>
          <Play aria-hidden />
          Run
          <span className="sr-only"> {runbook.title}</span>
        </Link>
      </Button>
    </li>
  );
}
