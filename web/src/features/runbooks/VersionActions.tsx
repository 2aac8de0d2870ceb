import { useQuery, useQueryClient } from "@tanstack/react-query";
import { GitCompare, History, Pencil } from "lucide-react";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { toast } from "sonner";
import type { Version } from "#protocol/api/runbooks.ts";
import { rollBackRunbook, runbookKeys, runbookQuery } from "../../api/queries/runbooks.ts";
import { Button } from "../../components/Button.tsx";
import { ConfirmedAction } from "../../components/ConfirmedAction.tsx";
import { paths } from "../../routes/paths.ts";

/** What is done with an earlier version: see what has changed since, go back to it, or write on from it. */
export function VersionActions({ runbookId, version }: { runbookId: string; version: Version }) {
  const { number, source } = version;
  const { data } = useQuery(runbookQuery(runbookId));
  const latest = data?.runbook.latestVersion;
  const older = latest !== undefined && number < latest;
  return (
    <>
      {older && (
        <Button asChild>
          <Link to={paths.compare(runbookId, number, latest)}>
            <GitCompare aria-hidden />
            Compare with latest
          </Link>
        </Button>
      )}
      <Button asChild>
        <Link to={paths.editRunbook(runbookId)} state={{ source }}>
          <Pencil aria-hidden />
          Edit from this version
        </Link>
      </Button>
      {older && <RollBackButton runbookId={runbookId} number={number} latest={latest} etag={data?.etag} />}
    </>
  );
}

interface RollBackProps {
  runbookId: string;
  number: number;
  latest: number;
  /** Of the state in which the runbook was read: nobody's save is overwritten unseen. */
  etag: string | undefined;
}

function RollBackButton({ runbookId, number, latest, etag }: RollBackProps) {
  const [asking, setAsking] = useState(false);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const rollBack = async () => {
    const saved = await rollBackRunbook(runbookId, number, etag);
    queries.setQueryData(runbookKeys.one(runbookId), saved);
    void queries.invalidateQueries({ queryKey: runbookKeys.all, refetchType: "none" });
    toast.success(`Version ${saved.runbook.latestVersion} says what version ${number} says`);
    await navigate(paths.runbook(runbookId));
  };
  return (
    <>
      <Button onClick={() => setAsking(true)}>
        <History aria-hidden />
        Roll back
      </Button>
      <ConfirmedAction
        open={asking}
        onOpenChange={setAsking}
        title={`Roll back to version ${number}?`}
        action="Roll back"
        dismiss={`Keep version ${latest}`}
        failure="It was not rolled back"
        act={rollBack}
      >
        <p>
          A new version with the content of version {number} becomes the latest. Nothing of the history is
          lost, and what runs now goes on as it was planned.
        </p>
      </ConfirmedAction>
    </>
  );
}
