import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation, useNavigate, useParams } from "react-router";
import { z } from "zod";
import { type ReadRunbook, runbookKeys, runbookQuery, updateRunbook } from "../../api/queries/runbooks.ts";
import { SkeletonRows } from "../../components/Skeleton.tsx";
import { paths } from "../../routes/paths.ts";
import { ReadPage } from "../../routes/ReadPage.tsx";
import { Editor } from "./Editor.tsx";

/** The source of an older version, handed over by "Edit from this version". */
const handedOver = z.object({ source: z.string() });

export function EditRunbookPage() {
  const { runbookId = "" } = useParams();
  const query = useQuery({ ...runbookQuery(runbookId), refetchOnMount: "always" });
  return (
    <ReadPage what="runbook" query={query} fresh loading={<SkeletonRows />}>
      {(read) => <Loaded key={runbookId} read={read} />}
    </ReadPage>
  );
}

function Loaded({ read }: { read: ReadRunbook }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const handed = handedOver.safeParse(useLocation().state).data;
  // What was read when the editor opened: a refresh in the background must not change what a save is based on.
  const [{ runbook, etag }] = useState(read);
  return (
    <Editor
      draftId={runbook.id}
      heading={runbook.title}
      back={paths.runbook(runbook.id)}
      saved={runbook.version.source}
      initial={handed?.source ?? runbook.version.source}
      base={runbook.latestVersion}
      save={async (source, { overwrite }) => {
        const latest = overwrite
          ? await queries.fetchQuery({ ...runbookQuery(runbook.id), staleTime: 0 })
          : { etag };
        const saved = await updateRunbook(runbook.id, source, latest.etag);
        queries.setQueryData(runbookKeys.one(runbook.id), saved);
        void queries.invalidateQueries({ queryKey: runbookKeys.all, refetchType: "none" });
        return {
          message: `Saved as version ${saved.runbook.latestVersion}`,
          leave: () => navigate(paths.runbook(runbook.id), { replace: true }),
        };
      }}
    />
  );
}
