import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearchParams } from "react-router";
import { createRunbook, runbookKeys } from "../../api/queries/runbooks.ts";
import { paths } from "../../routes/paths.ts";
import { BLANK_SOURCE, SAMPLE_SOURCE } from "../runbooks/sample.ts";
import { Editor } from "./Editor.tsx";

export function NewRunbookPage() {
  const [search] = useSearchParams();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const sample = search.get("from") === "sample";
  return (
    <Editor
      key={sample ? "sample" : "blank"}
      draftId={sample ? "new-sample" : "new"}
      heading="New runbook"
      back={paths.runbooks}
      saved=""
      initial={sample ? SAMPLE_SOURCE : BLANK_SOURCE}
      base={0}
      save={async (source) => {
        const read = await createRunbook(source);
        queries.setQueryData(runbookKeys.one(read.runbook.id), read);
        void queries.invalidateQueries({ queryKey: runbookKeys.all });
        return {
          message: "Runbook created",
          leave: () => navigate(paths.runbook(read.runbook.id), { replace: true }),
        };
      }}
    />
  );
}
