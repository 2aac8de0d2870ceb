import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import type { Runbook } from "#protocol/api/runbooks.ts";
import { runbookQuery } from "../../api/queries/runbooks.ts";
import { Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { Skeleton } from "../../components/Skeleton.tsx";
import { paths } from "../../routes/paths.ts";
import { ReadPage } from "../../routes/ReadPage.tsx";
import { RunForm } from "./RunForm.tsx";
import { RunPreview } from "./RunPreview.tsx";

/** Asks for parameters and shows what will run, before it runs. */
export function RunPage() {
  const { runbookId = "" } = useParams();
  // Never an old version from the cache: what is shown here is what will run.
  const query = useQuery({ ...runbookQuery(runbookId), refetchOnMount: "always" });
  return (
    <ReadPage what="runbook" query={query} fresh loading={<RunSkeleton />}>
      {({ runbook }) => <Loaded runbook={runbook} />}
    </ReadPage>
  );
}

function Loaded({ runbook }: { runbook: Runbook }) {
  return (
    <Page>
      <PageHeader
        back={
          <Link to={paths.runbook(runbook.id)} className="hover:text-ink">
            {runbook.title}
          </Link>
        }
        title={`Run “${runbook.title}”`}
        description={runbook.description}
      />
      <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,28rem)_minmax(0,1fr)] lg:gap-10">
        <RunForm key={runbook.version.id} runbook={runbook} />
        <RunPreview runbook={runbook} />
      </div>
    </Page>
  );
}

function RunSkeleton() {
  return (
    <Page>
      <div role="status" aria-label="Loading" className="max-w-md space-y-4">
        <Skeleton className="h-7 w-64" />
        <Skeleton className="mt-8 h-9 w-full rounded-md" />
        <Skeleton className="h-9 w-full rounded-md" />
        <Skeleton className="h-9 w-28 rounded-md" />
      </div>
    </Page>
  );
}
