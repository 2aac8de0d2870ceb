import { useQuery } from "@tanstack/react-query";
import { History } from "lucide-react";
import { Link, useParams } from "react-router";
import type { Version } from "#protocol/api/runbooks.ts";
import { versionQuery } from "../../api/queries/runbooks.ts";
import { Notice } from "../../components/Notice.tsx";
import { Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { SkeletonRows } from "../../components/Skeleton.tsx";
import { paths } from "../../routes/paths.ts";
import { ReadPage } from "../../routes/ReadPage.tsx";
import { actorName } from "../executions/actor.ts";
import { VersionSignatures } from "../signing/VersionSignatures.tsx";
import { DocumentBody } from "./DocumentBody.tsx";
import { DocumentFacts } from "./DocumentFacts.tsx";
import { Section } from "./Section.tsx";
import { VersionActions } from "./VersionActions.tsx";

/** A version as it was: versions never change. */
export function VersionPage() {
  const { runbookId = "", number = "" } = useParams();
  const query = useQuery(versionQuery(runbookId, Number(number)));
  return (
    <ReadPage what="version" query={query} loading={<SkeletonRows />}>
      {(version) => <Loaded runbookId={runbookId} version={version} />}
    </ReadPage>
  );
}

function Loaded({ runbookId, version }: { runbookId: string; version: Version }) {
  const { document, createdBy, createdAt, contentHash } = version;
  return (
    <Page>
      <PageHeader
        back={
          <Link to={paths.runbook(runbookId)} className="hover:text-ink">
            Back to the latest version
          </Link>
        }
        title={document.title}
        description={document.description}
        actions={<VersionActions runbookId={runbookId} version={version} />}
      />
      <Notice className="mb-5" icon={<History aria-hidden />}>
        Version {version.number}, saved by {actorName(createdBy)} <RelativeTime time={createdAt} />.
      </Notice>
      <div className="grid gap-8 lg:grid-cols-[minmax(0,1fr)_18rem]">
        <div className="min-w-0">
          <DocumentBody document={document} />
        </div>
        <aside aria-label="About this version" className="flex min-w-0 flex-col gap-6">
          <DocumentFacts document={document} />
          <VersionSignatures version={version} />
          <Section title="Content hash">
            <code className="font-mono text-xs text-muted wrap-anywhere">{contentHash}</code>
          </Section>
        </aside>
      </div>
    </Page>
  );
}
