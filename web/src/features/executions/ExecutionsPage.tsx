import { useInfiniteQuery } from "@tanstack/react-query";
import { ListFilter, Play } from "lucide-react";
import { Link, useSearchParams } from "react-router";
import { type ExecutionState, executionStateSchema } from "#protocol/states.ts";
import { allItems } from "../../api/paging.ts";
import { executionsQuery } from "../../api/queries/executions.ts";
import { Button } from "../../components/Button.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { Select } from "../../components/Input.tsx";
import { LoadMore } from "../../components/LoadMore.tsx";
import { Card, Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { SkeletonRows } from "../../components/Skeleton.tsx";
import { paths } from "../../routes/paths.ts";
import { ExecutionRow } from "./ExecutionRow.tsx";
import { executionLook } from "./states.ts";

export function ExecutionsPage() {
  const [search, setSearch] = useSearchParams();
  const state = executionStateSchema.safeParse(search.get("state")).data;
  const list = useInfiniteQuery(executionsQuery(state ? { state } : {}));
  const executions = allItems(list.data);
  return (
    <Page>
      <PageHeader
        title="Executions"
        actions={<StateFilter state={state} onChange={(next) => setSearch(next ? { state: next } : {})} />}
      />
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
        {list.isSuccess && executions.length === 0 && <NoExecutions state={state} />}
      </Card>
      <LoadMore query={list} />
    </Page>
  );
}

function StateFilter({
  state,
  onChange,
}: {
  state: ExecutionState | undefined;
  onChange(state: ExecutionState | undefined): void;
}) {
  return (
    <Select
      aria-label="Filter by state"
      className="w-44"
      value={state ?? ""}
      onChange={(event) => onChange(executionStateSchema.safeParse(event.target.value).data)}
    >
      <option value="">All states</option>
      {executionStateSchema.options.map((option) => (
        <option key={option} value={option}>
          {executionLook(option).label}
        </option>
      ))}
    </Select>
  );
}

function NoExecutions({ state }: { state: ExecutionState | undefined }) {
  if (state) {
    return (
      <EmptyState icon={<ListFilter />} title={`None are ${executionLook(state).label.toLowerCase()}`}>
        This list is live: one shows up as soon as there is one.
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
