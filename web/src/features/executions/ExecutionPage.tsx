import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { executionQuery } from "../../api/queries/executions.ts";
import { Skeleton } from "../../components/Skeleton.tsx";
import { ReadPage } from "../../routes/ReadPage.tsx";
import { ExecutionView } from "./ExecutionView.tsx";

/** Reads an execution once; from there on the stream keeps it current. */
export function ExecutionPage() {
  const { executionId = "" } = useParams();
  const query = useQuery(executionQuery(executionId));
  return (
    <ReadPage what="execution" query={query} loading={<ExecutionSkeleton />}>
      {(execution) => <ExecutionView key={executionId} initial={execution} />}
    </ReadPage>
  );
}

function ExecutionSkeleton() {
  return (
    <div role="status" aria-label="Loading" className="flex h-full flex-col">
      <div className="space-y-3 border-b border-line px-4 py-4 sm:px-6">
        <Skeleton className="h-6 w-72 max-w-full" />
        <Skeleton className="w-52" />
      </div>
      <div className="flex flex-1">
        <div className="hidden w-72 space-y-4 border-r border-line p-4 md:block">
          <Skeleton className="w-40" />
          <Skeleton className="w-48" />
          <Skeleton className="w-32" />
        </div>
        <div className="flex-1 bg-(--log-canvas)" />
      </div>
    </div>
  );
}
