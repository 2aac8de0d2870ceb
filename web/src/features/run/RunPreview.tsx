import type { Runbook } from "#protocol/api/runbooks.ts";
import { DocumentBody } from "../runbooks/DocumentBody.tsx";
import { TargetView } from "../runbooks/DocumentFacts.tsx";

/** What the button will do, said before it is pressed. */
export function RunPreview({ runbook }: { runbook: Runbook }) {
  const { document } = runbook.version;
  return (
    <section aria-labelledby="what-will-run" className="min-w-0">
      <div className="mb-3 flex flex-wrap items-center justify-between gap-2">
        <h2 id="what-will-run" className="font-semibold">
          What will run
        </h2>
        <TargetView target={document.target} />
      </div>
      <DocumentBody document={document} />
    </section>
  );
}
