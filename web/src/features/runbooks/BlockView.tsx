import { Timer, Unplug } from "lucide-react";
import { STEP_TIMEOUT_DEFAULT_MS } from "#protocol/limits.ts";
import type { Block, CommandBlock } from "#protocol/runbook/document.ts";
import { Badge } from "../../components/Badge.tsx";
import { CodeBox } from "../../components/CodeBox.tsx";
import { CopyButton } from "../../components/CopyButton.tsx";
import { formatBytes, formatDuration } from "../../components/format.ts";
import { Prose } from "./Prose.tsx";

/** A runbook's blocks in the order they are done. */
export function BlockList({ blocks }: { blocks: readonly Block[] }) {
  return (
    <ol aria-label="Blocks" className="flex flex-col gap-4">
      {blocks.map((block) => (
        <li key={block.id}>
          <BlockView block={block} />
        </li>
      ))}
    </ol>
  );
}

function BlockView({ block }: { block: Block }) {
  switch (block.kind) {
    case "instruction":
      return <Prose markdown={block.markdown} />;
    case "command":
      return <CommandView block={block} />;
    default:
      return block satisfies never;
  }
}

function CommandView({ block }: { block: CommandBlock }) {
  return (
    <section
      aria-label={block.title ?? block.id}
      className="overflow-hidden rounded-lg border border-line bg-surface shadow-raised"
    >
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-3 py-1.5">
        <h2 className="min-w-0 font-medium wrap-anywhere">{block.title ?? block.id}</h2>
        {block.title && <code className="font-mono text-xs text-muted">{block.id}</code>}
        <span className="flex flex-wrap gap-1.5 max-sm:order-last max-sm:w-full max-sm:pb-1 sm:ml-auto">
          <CommandFacts block={block} />
        </span>
        <span className="max-sm:ml-auto">
          <CopyButton text={block.script} what="script" />
        </span>
      </header>
      <CodeBox code={block.script} className="max-h-120" />
    </section>
  );
}

function CommandFacts({ block }: { block: CommandBlock }) {
  return (
    <>
      {block.onDisconnect === "stop" && (
        <Badge tone="warn">
          <Unplug aria-hidden />
          stops when disconnected
        </Badge>
      )}
      {block.outputLimitBytes !== undefined && <Badge>keeps {formatBytes(block.outputLimitBytes)}</Badge>}
      {block.timeoutMs !== undefined && block.timeoutMs !== STEP_TIMEOUT_DEFAULT_MS && (
        <Badge>
          <Timer aria-hidden />
          {formatDuration(block.timeoutMs)}
        </Badge>
      )}
      <Badge className="font-mono font-normal">{block.interpreter}</Badge>
    </>
  );
}
