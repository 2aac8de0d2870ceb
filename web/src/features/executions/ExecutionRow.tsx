import { Link } from "react-router";
import type { ExecutionSummary } from "#protocol/api/executions.ts";
import { Elapsed, RelativeTime } from "../../components/RelativeTime.tsx";
import { paths } from "../../routes/paths.ts";
import { actorName } from "./actor.ts";
import { ExecutionBadge } from "./StatusBadge.tsx";

export function ExecutionRow({ execution }: { execution: ExecutionSummary }) {
  return (
    <li className="relative flex items-center gap-x-4 px-4 py-2.5 hover:bg-hover/60">
      <div className="w-30 shrink-0 max-sm:order-last max-sm:w-auto">
        <ExecutionBadge state={execution.state} />
      </div>
      <div className="min-w-0 flex-1">
        <Link
          to={paths.execution(execution.id)}
          className="line-clamp-2 font-medium wrap-anywhere after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:-outline-offset-2 focus-visible:after:outline-2 focus-visible:after:outline-(--focus)"
        >
          {execution.title}
        </Link>
        <div className="truncate text-[0.8125rem] text-muted">
          v{execution.versionNumber} · {actorName(execution.actor)}
          {execution.trigger.type === "retry" && " · retry"}
          {execution.trigger.type === "parent" && " · started by another execution"}
          <span className="sm:hidden">
            {" "}
            · <RelativeTime time={execution.createdAt} />
          </span>
        </div>
      </div>
      <div className="hidden w-20 shrink-0 text-right text-[0.8125rem] text-muted sm:block">
        {execution.state !== "queued" && (
          <Elapsed since={execution.createdAt} durationMs={execution.durationMs} />
        )}
      </div>
      <div className="hidden w-24 shrink-0 text-right text-[0.8125rem] text-muted sm:block">
        <RelativeTime time={execution.createdAt} />
      </div>
    </li>
  );
}
