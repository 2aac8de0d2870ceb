import type { RunbookDocument } from "#protocol/runbook/document.ts";
import { BlockList } from "./BlockView.tsx";

/** The blocks of a runbook, and below them what runs at the end. */
export function DocumentBody({ document }: { document: Pick<RunbookDocument, "blocks" | "finally"> }) {
  const { blocks, finally: atTheEnd } = document;
  if (blocks.length === 0 && !atTheEnd) {
    return <p className="text-muted">This runbook has no blocks yet. Edit it to add some.</p>;
  }
  return (
    <div className="flex flex-col gap-6">
      {blocks.length > 0 && <BlockList blocks={blocks} />}
      {atTheEnd && (
        <section aria-labelledby="at-the-end" className="flex flex-col gap-3 border-t border-line pt-4">
          <div>
            <h2 id="at-the-end" className="font-semibold">
              At the end
            </h2>
            <p className="text-[0.8125rem] text-muted">
              Runs when everything above is over: done, failed and undone, or canceled.
            </p>
          </div>
          <BlockList blocks={atTheEnd} label="At the end" />
        </section>
      )}
    </div>
  );
}
