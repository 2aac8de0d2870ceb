import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { allItems } from "../../api/paging.ts";
import { executionsQuery } from "../../api/queries/executions.ts";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { Skeleton } from "../../components/Skeleton.tsx";
import { paths } from "../../routes/paths.ts";
import { ExecutionBadge } from "../executions/StatusBadge.tsx";

const SHOWN = 6;

export function RecentExecutions({ runbookId }: { runbookId: string }) {
  const list = useInfiniteQuery(executionsQuery({ runbookId }));
  const executions = allItems(list.data).slice(0, SHOWN);
  if (list.isPending) return <Skeleton className="w-40" />;
  if (list.isError) return <p className="text-muted">They could not be loaded.</p>;
  if (executions.length === 0) return <p className="text-muted">It has not run yet.</p>;
  return (
    <ul className="-mx-2 flex flex-col">
      {executions.map((execution) => (
        <li key={execution.id}>
          <Link
            to={paths.execution(execution.id)}
            className="flex items-center justify-between gap-2 rounded-md px-2 py-1.5 hover:bg-hover pointer-coarse:py-2.5"
          >
            <ExecutionBadge state={execution.state} />
            <span className="text-[0.8125rem] text-muted">
              v{execution.versionNumber} · <RelativeTime time={execution.createdAt} />
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
