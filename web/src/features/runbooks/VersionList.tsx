import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { allItems } from "../../api/paging.ts";
import { versionsQuery } from "../../api/queries/runbooks.ts";
import { LoadMore } from "../../components/LoadMore.tsx";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { Skeleton } from "../../components/Skeleton.tsx";
import { paths } from "../../routes/paths.ts";
import { actorName } from "../executions/actor.ts";

export function VersionList({ runbookId, latest }: { runbookId: string; latest: number }) {
  const list = useInfiniteQuery(versionsQuery(runbookId));
  if (list.isPending) return <Skeleton className="w-40" />;
  if (list.isError) return <p className="text-muted">They could not be loaded.</p>;
  return (
    <>
      <ul className="-mx-2 flex flex-col">
        {allItems(list.data).map((version) => (
          <li key={version.id}>
            <Link
              to={
                version.number === latest
                  ? paths.runbook(runbookId)
                  : paths.version(runbookId, version.number)
              }
              aria-current={version.number === latest ? "true" : undefined}
              className="flex items-baseline justify-between gap-2 rounded-md px-2 py-1.5 hover:bg-hover pointer-coarse:py-2.5"
            >
              <span className="min-w-0 truncate">
                <span className="font-medium">v{version.number}</span>{" "}
                <span className="text-[0.8125rem] text-muted">{actorName(version.createdBy)}</span>
              </span>
              <span className="text-[0.8125rem] text-muted">
                <RelativeTime time={version.createdAt} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {latest > 1 && (
        <Link
          to={paths.compare(runbookId, latest - 1, latest)}
          className="mt-1 inline-flex items-center text-[0.8125rem] text-link hover:underline pointer-coarse:min-h-11"
        >
          Compare versions
        </Link>
      )}
      <LoadMore query={list} />
    </>
  );
}
