import { useInfiniteQuery } from "@tanstack/react-query";
import { ListFilter, Play } from "lucide-react";
import { Link, useSearchParams } from "react-router";
import { allItems } from "../../api/paging.ts";
import { type ExecutionFilter, executionsQuery } from "../../api/queries/executions.ts";
import { Button } from "../../components/Button.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { LoadMore } from "../../components/LoadMore.tsx";
import { Card, Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { SkeletonRows } from "../../components/Skeleton.tsx";
import { paths } from "../../routes/paths.ts";
import { ExecutionFilters } from "./ExecutionFilters.tsx";
import { ExecutionRow } from "./ExecutionRow.tsx";
import { readFilter } from "./filter.ts";
import { executionLook } from "./states.ts";

export function ExecutionsPage() {
  const [search, setSearch] = useSearchParams();
  const filter = readFilter(search);
  const list = useInfiniteQuery(executionsQuery(filter));
  const executions = allItems(list.data);
  // At once: a checkbox that follows the address would else fall back for a moment.
  const change = (next: ExecutionFilter) => setSearch({ ...next }, { replace: true, flushSync: true });
  return (
    <Page>
      <PageHeader title="Executions" />
      <ExecutionFilters filter={filter} onChange={change} />
      <Card>
        {list.isPending && <SkeletonRows />}
        {list.isError && (
          <ErrorState what="The executions" error={list.error} onRetry={() => list.refetch()} />
        )}
        {executions.length > 0 && (
          <ul aria-label="Executions" className="divide-y divide-line">
            {executions.map((execution) => (
              <ExecutionRow key={execution.id} execution={execution} />
            ))}
          </ul>
        )}
        {list.isSuccess && executions.length === 0 && (
          <NoExecutions filter={filter} more={list.hasNextPage} onClear={() => change({})} />
        )}
      </Card>
      <LoadMore query={list} />
    </Page>
  );
}

interface NoneProps {
  filter: ExecutionFilter;
  /** A page may be empty although there is a next one. */
  more: boolean;
  onClear(): void;
}

function NoExecutions({ filter, more, onClear }: NoneProps) {
  if (Object.keys(filter).length > 0) {
    const { state, ...rest } = filter;
    const only = state !== undefined && Object.keys(rest).length === 0;
    return (
      <EmptyState
        icon={<ListFilter />}
        title={only ? `None are ${executionLook(state).label.toLowerCase()}` : "Nothing matches"}
        actions={<Button onClick={onClear}>Show all</Button>}
      >
        {more
          ? "None of the latest does. Load more to look further back."
          : "This list is live: one shows up as soon as there is one."}
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon={<Play />}
      title="Nothing has run yet"
      actions={
        <Button asChild variant="primary">
          <Link to={paths.runbooks}>Choose a runbook</Link>
        </Button>
      }
    >
      Run a runbook and follow it here, live, from anywhere.
    </EmptyState>
  );
}
