import { useInfiniteQuery } from "@tanstack/react-query";
import { NotebookText, Plus, SearchX } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { allItems } from "../../api/paging.ts";
import { runbooksQuery } from "../../api/queries/runbooks.ts";
import { Button } from "../../components/Button.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { LoadMore } from "../../components/LoadMore.tsx";
import { Card, Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { SearchField } from "../../components/SearchField.tsx";
import { SkeletonRows } from "../../components/Skeleton.tsx";
import { paths } from "../../routes/paths.ts";
import { RunbookRow } from "./RunbookRow.tsx";

export function RunbooksPage() {
  const list = useInfiniteQuery(runbooksQuery);
  const [search, setSearch] = useState("");
  const runbooks = allItems(list.data);
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = runbooks.filter(({ title, description = "" }) =>
    words.every((word) => `${title} ${description}`.toLowerCase().includes(word)),
  );
  const empty = list.isSuccess && runbooks.length === 0;
  return (
    <Page>
      <PageHeader
        title="Runbooks"
        actions={
          !empty && (
            <Button asChild variant="primary">
              <Link to={paths.newRunbook}>
                <Plus aria-hidden />
                New runbook
              </Link>
            </Button>
          )
        }
      />
      {!empty && (
        <div className="mb-3">
          <SearchField label="Search runbooks" value={search} onChange={setSearch} />
        </div>
      )}
      <Card>
        {list.isPending && <SkeletonRows />}
        {list.isError && <ErrorState what="The runbooks" error={list.error} onRetry={() => list.refetch()} />}
        {empty && <NoRunbooks />}
        {found.length > 0 && (
          <ul aria-label="Runbooks" className="divide-y divide-line">
            {found.map((runbook) => (
              <RunbookRow key={runbook.id} runbook={runbook} />
            ))}
          </ul>
        )}
        {!empty && list.isSuccess && found.length === 0 && (
          <EmptyState
            icon={<SearchX />}
            title="Nothing matches"
            actions={<Button onClick={() => setSearch("")}>Clear the search</Button>}
          >
            No runbook has “{search}” in its title or description
            {list.hasNextPage ? " among those loaded so far" : ""}.
          </EmptyState>
        )}
      </Card>
      <LoadMore query={list} />
    </Page>
  );
}

function NoRunbooks() {
  return (
    <EmptyState
      icon={<NotebookText />}
      title="Write down what you do at 3 a.m."
      actions={
        <>
          <Button asChild variant="primary">
            <Link to={`${paths.newRunbook}?from=sample`}>Start from the sample</Link>
          </Button>
          <Button asChild>
            <Link to={paths.newRunbook}>Start with a blank page</Link>
          </Button>
        </>
      }
    >
      A runbook is a Markdown page: its prose tells a person what is going on, its shell runs on an agent in
      your own network. A page from your wiki works as it is.
    </EmptyState>
  );
}
