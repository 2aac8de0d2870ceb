import { CircleAlert } from "lucide-react";
import { useRef } from "react";
import type { RunbookDocument } from "#protocol/runbook/document.ts";
import type { parseRunbook } from "#protocol/runbook/markdown.ts";
import { Notice } from "../../components/Notice.tsx";
import { DocumentBody } from "../runbooks/DocumentBody.tsx";
import { DocumentFacts } from "../runbooks/DocumentFacts.tsx";

/** What the source means. While it has problems, the last state without any stays in view. */
export function Preview({ parsed }: { parsed: ReturnType<typeof parseRunbook> }) {
  const last = useRef<RunbookDocument>(undefined);
  if (parsed.ok) last.current = parsed.document;
  const document = last.current;
  return (
    <section aria-label="Preview" className="px-4 py-4 sm:px-6">
      {!parsed.ok && (
        <Notice tone="warn" className="mb-4" icon={<CircleAlert aria-hidden />}>
          {document
            ? "The source has problems. This is how it was before them."
            : "The source has problems. The preview comes once they are gone."}
        </Notice>
      )}
      {document && (
        <div className="flex flex-col gap-5">
          <div>
            <h2 className="text-lg font-semibold tracking-tight wrap-anywhere">{document.title}</h2>
            {document.description && (
              <p className="mt-0.5 text-muted wrap-anywhere">{document.description}</p>
            )}
          </div>
          <div className="grid gap-5 border-y border-line py-4 sm:grid-cols-2">
            <DocumentFacts document={document} />
          </div>
          <DocumentBody document={document} />
        </div>
      )}
    </section>
  );
}
