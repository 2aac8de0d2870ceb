import { useQuery } from "@tanstack/react-query";
import { Pencil, Play } from "lucide-react";
import { Link, useParams } from "react-router";
import type { Runbook } from "#protocol/api/runbooks.ts";
import { runbookQuery } from "../../api/queries/runbooks.ts";
import { Button } from "../../components/Button.tsx";
import { Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { Skeleton } from "../../components/Skeleton.tsx";
import { paths } from "../../routes/paths.ts";
import { ReadPage } from "../../routes/ReadPage.tsx";
import { VersionSignatures } from "../signing/VersionSignatures.tsx";
import { DocumentBody } from "./DocumentBody.tsx";
import { DocumentFacts } from "./DocumentFacts.tsx";
import { RecentExecutions } from "./RecentExecutions.tsx";
import { RunbookMenu } from "./RunbookMenu.tsx";
import { Section } from "./Section.tsx";
import { VersionList } from "./VersionList.tsx";

export function RunbookPage() {
  const { runbookId = "" } = useParams();
  const query = useQuery(runbookQuery(runbookId));
  return (
    <ReadPage what="runbook" query={query} loading={<RunbookSkeleton />}>
      {({ runbook }) => <Loaded runbook={runbook} />}
    </ReadPage>
  );
}

function Loaded({ runbook }: { runbook: Runbook }) {
  const { document } = runbook.version;
  const runs = runbook.stepCount > 0;
  return (
    <Page>
      <PageHeader
        back={
          <Link to={paths.runbooks} className="hover:text-ink">
            Runbooks
          </Link>
        }
        title={runbook.title}
        description={runbook.description}
        actions={
          <>
            <Button asChild>
              <Link to={paths.editRunbook(runbook.id)}>
                <Pencil aria-hidden />
                Edit
              </Link>
            </Button>
            {runs && (
              <Button asChild variant="primary">
                <Link to={paths.runRunbook(runbook.id)}>
                  <Play aria-hidden />
                  Run
                </Link>
              </Button>
            )}
            <RunbookMenu runbook={runbook} />
          </>
        }
      />
      <div className="grid gap-8 lg:grid-cols-[minmax(0,1fr)_18rem]">
        <div className="min-w-0">
          <DocumentBody document={document} />
        </div>
        <aside aria-label="About this runbook" className="flex min-w-0 flex-col gap-6">
          <Section title="Recent executions">
            <RecentExecutions runbookId={runbook.id} />
          </Section>
          <DocumentFacts document={document} />
          <VersionSignatures version={runbook.version} />
          <Section title="Versions">
            <VersionList runbookId={runbook.id} latest={runbook.latestVersion} />
          </Section>
        </aside>
      </div>
    </Page>
  );
}

function RunbookSkeleton() {
  return (
    <Page>
      <div role="status" aria-label="Loading" className="space-y-4">
        <Skeleton className="h-7 w-64" />
        <Skeleton className="w-96 max-w-full" />
        <Skeleton className="mt-8 h-36 w-full max-w-3xl rounded-lg" />
        <Skeleton className="h-28 w-full max-w-3xl rounded-lg" />
      </div>
    </Page>
  );
}
