import { useQuery } from "@tanstack/react-query";
import { Equal } from "lucide-react";
import { Link, useParams, useSearchParams } from "react-router";
import type { Comparison } from "#protocol/api/differences.ts";
import { comparisonQuery, runbookQuery } from "../../api/queries/runbooks.ts";
import { Select } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";
import { Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { SkeletonRows } from "../../components/Skeleton.tsx";
import { paths } from "../../routes/paths.ts";
import { ReadPage } from "../../routes/ReadPage.tsx";
import { DifferenceList } from "./DifferenceList.tsx";
import { DiffView } from "./DiffView.tsx";
import { Section } from "./Section.tsx";

/** Two versions beside each other: what they do differently, and how their sources differ. */
export function ComparePage() {
  const { runbookId = "" } = useParams();
  const [search] = useSearchParams();
  const from = Number(search.get("from"));
  const to = Number(search.get("to"));
  const query = useQuery(comparisonQuery(runbookId, from, to));
  return (
    <ReadPage what="comparison" query={query} loading={<SkeletonRows />}>
      {(comparison) => <Loaded runbookId={runbookId} comparison={comparison} />}
    </ReadPage>
  );
}

function Loaded({ runbookId, comparison }: { runbookId: string; comparison: Comparison }) {
  const { from, to, same, diff } = comparison;
  const [, setSearch] = useSearchParams();
  const { data } = useQuery(runbookQuery(runbookId));
  const latest = data?.runbook.latestVersion ?? Math.max(from, to);
  const change = (next: { from: number; to: number }) =>
    setSearch({ from: String(next.from), to: String(next.to) }, { replace: true });
  return (
    <Page>
      <PageHeader
        back={
          <Link to={paths.runbook(runbookId)} className="hover:text-ink">
            {data?.runbook.title ?? "Runbook"}
          </Link>
        }
        title="Compare versions"
        actions={
          <>
            <VersionSelect
              label="Before"
              value={from}
              latest={latest}
              onChange={(next) => change({ from: next, to })}
            />
            <span className="text-muted">with</span>
            <VersionSelect
              label="After"
              value={to}
              latest={latest}
              onChange={(next) => change({ from, to: next })}
            />
          </>
        }
      />
      <div className="flex flex-col gap-6">
        {same ? (
          <Notice icon={<Equal aria-hidden />} title="Both do the same">
            {diff && "Only how they are written is different."}
          </Notice>
        ) : (
          <Section title="What is different">
            <DifferenceList {...comparison} />
          </Section>
        )}
        {diff && (
          <Section title="Source">
            <DiffView diff={diff} />
          </Section>
        )}
        {!same && diff === undefined && (
          <p className="text-muted">The sources have too little in common to show them line by line.</p>
        )}
      </div>
    </Page>
  );
}

interface SelectProps {
  label: string;
  value: number;
  latest: number;
  onChange(number: number): void;
}

function VersionSelect({ label, value, latest, onChange }: SelectProps) {
  return (
    <Select
      aria-label={label}
      className="w-36"
      value={value}
      onChange={(event) => onChange(Number(event.target.value))}
    >
      {Array.from({ length: latest }, (_, index) => latest - index).map((number) => (
        <option key={number} value={number}>
          Version {number}
        </option>
      ))}
    </Select>
  );
}
