import { SquareTerminal } from "lucide-react";
import type { Runbook } from "#protocol/api/runbooks.ts";
import { CodeBox } from "../../components/CodeBox.tsx";
import { Card } from "../../components/Page.tsx";
import { TargetView } from "../runbooks/DocumentFacts.tsx";

/** What the button will do, said before it is pressed. */
export function RunPreview({ runbook }: { runbook: Runbook }) {
  const { blocks, target } = runbook.version.document;
  const commands = blocks.filter((block) => block.kind === "command");
  return (
    <Card>
      <div className="flex flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-2.5">
        <h2 className="font-medium">What will run</h2>
        <TargetView target={target} />
      </div>
      <ol className="divide-y divide-line">
        {commands.map((block) => (
          <li key={block.id}>
            <details className="group">
              <summary className="flex list-none items-center gap-2.5 px-4 py-2 hover:bg-hover/60 focus-visible:-outline-offset-2 [&::-webkit-details-marker]:hidden">
                <SquareTerminal className="size-4 shrink-0 text-faint" aria-hidden />
                <span className="min-w-0 flex-1 wrap-anywhere">{block.title ?? block.id}</span>
                <span className="text-xs text-muted group-open:hidden">Show script</span>
                <span className="hidden text-xs text-muted group-open:inline">Hide</span>
              </summary>
              <CodeBox code={block.script} className="max-h-80 border-t border-line px-4" />
            </details>
          </li>
        ))}
      </ol>
      {commands.length === 0 && (
        <p className="px-4 py-6 text-center text-muted">No block of this runbook runs anything.</p>
      )}
    </Card>
  );
}
