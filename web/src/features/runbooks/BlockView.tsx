import {
  Clock,
  GitBranch,
  Globe,
  type LucideIcon,
  NotebookText,
  Repeat,
  RotateCcw,
  Split,
  Stamp,
  UserCheck,
  Users,
} from "lucide-react";
import type { ReactNode } from "react";
import type { Value } from "#protocol/blocks/common.ts";
import type { ApiBlock, Block, CommandBlock } from "#protocol/blocks/index.ts";
import { CodeBox } from "../../components/CodeBox.tsx";
import { CopyButton } from "../../components/CopyButton.tsx";
import { formatDuration } from "../../components/format.ts";
import { BlockFacts } from "./BlockFacts.tsx";
import { Prose } from "./Prose.tsx";

/** A runbook's blocks in the order they are done. */
export function BlockList({ blocks, label = "Blocks" }: { blocks: readonly Block[]; label?: string }) {
  return (
    <ol aria-label={label} className="flex min-w-0 flex-col gap-4">
      {blocks.map((block) => (
        <li key={block.id} className="min-w-0">
          <BlockView block={block} />
        </li>
      ))}
    </ol>
  );
}

export function BlockView({ block }: { block: Block }) {
  switch (block.kind) {
    case "instruction":
      if (!block.acknowledge) return <Prose markdown={block.markdown} />;
      return (
        <Card block={block} icon={UserCheck} said="A person does this">
          <Prose markdown={block.markdown} />
        </Card>
      );
    case "command":
      return (
        <Card block={block} actions={<CopyButton text={block.script} what="script" />} flush>
          <CodeBox code={block.script} className="max-h-120" />
          <Compensation block={block} />
        </Card>
      );
    case "api":
      return (
        <Card block={block} icon={Globe}>
          <p className="font-mono text-[0.8125rem] wrap-anywhere">
            {block.method} {textOf(block.url)}
          </p>
          <Compensation block={block} />
        </Card>
      );
    case "condition":
      return (
        <Card block={block} icon={Split}>
          <Expression text={block.if} said="if" />
          <Part name="then" blocks={block.then} />
          {block.else && <Part name="else" blocks={block.else} />}
        </Card>
      );
    case "timer":
      return (
        <Card block={block} icon={Clock}>
          <p className="text-muted">
            {block.durationMs === undefined
              ? `Waits until ${textOf(block.until ?? "")}${block.zone ? ` in ${block.zone}` : ""}`
              : `Waits ${formatDuration(block.durationMs)}`}
          </p>
        </Card>
      );
    case "approval":
      return (
        <Card block={block} icon={Stamp} said={approvalWords(block.required ?? 1)}>
          {block.markdown && <Prose markdown={block.markdown} />}
          {block.from && (
            <p className="text-[0.8125rem] text-muted wrap-anywhere">
              From {[...(block.from.people ?? []), ...(block.from.roles ?? [])].join(", ")}
            </p>
          )}
        </Card>
      );
    case "parallel":
      return (
        <Card block={block} icon={GitBranch} said="Side by side">
          <div className="flex flex-col gap-3 lg:flex-row">
            {block.branches.map((branch, index) => (
              <div key={branch[0]?.id ?? index} className="min-w-0 flex-1">
                <Part name={`branch ${index + 1}`} blocks={branch} />
              </div>
            ))}
          </div>
        </Card>
      );
    case "foreach":
      return (
        <Card block={block} icon={block.target ? Users : Repeat}>
          {block.items === undefined ? (
            <p className="text-muted">On each agent that matches</p>
          ) : (
            <Expression text={block.items} said="for each of" />
          )}
          <Part name="each time" blocks={block.blocks} />
        </Card>
      );
    case "runbook":
      return (
        <Card block={block} icon={NotebookText}>
          <p>
            Runs <span className="font-medium wrap-anywhere">{block.runbook}</span>
            {block.version !== undefined && `, version ${block.version}`}
          </p>
          <Compensation block={block} />
        </Card>
      );
    default:
      return block satisfies never;
  }
}

interface CardProps {
  block: Block;
  icon?: LucideIcon;
  /** What kind of thing this is, in a word or two. */
  said?: string;
  actions?: ReactNode;
  /** Its content reaches the edges. */
  flush?: boolean;
  children: ReactNode;
}

function Card({ block, icon: Icon, said, actions, flush, children }: CardProps) {
  return (
    <section
      aria-label={block.title ?? block.id}
      className="overflow-hidden rounded-lg border border-line bg-surface shadow-raised"
    >
      <header className="flex items-start gap-2 border-b border-line py-1.5 pr-1.5 pl-3">
        <div className="flex min-h-7 min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-1 pointer-coarse:min-h-10">
          {Icon && <Icon aria-hidden className="size-4 shrink-0 text-muted" />}
          <h2 className="min-w-0 font-medium wrap-anywhere">{block.title ?? block.id}</h2>
          {block.title && <code className="font-mono text-xs text-muted">{block.id}</code>}
          {said && <span className="text-[0.8125rem] text-muted">{said}</span>}
          <span className="flex flex-wrap gap-1.5 empty:hidden max-sm:w-full sm:ml-auto">
            <BlockFacts block={block} />
          </span>
        </div>
        {actions}
      </header>
      <div className={flush ? "" : "flex flex-col gap-3 px-3 py-2.5"}>{children}</div>
    </section>
  );
}

/** A list of blocks inside a block. Indented by a line only, so that deep ones fit a phone. */
function Part({ name, blocks }: { name: string; blocks: readonly Block[] }) {
  return (
    <div className="min-w-0 border-l-2 border-line pl-2.5 sm:pl-3">
      <p className="mb-1.5 text-xs font-medium text-muted">{name}</p>
      {blocks.length === 0 ? (
        <p className="text-muted">Nothing.</p>
      ) : (
        <BlockList blocks={blocks} label={name} />
      )}
    </div>
  );
}

function Compensation({ block }: { block: Pick<CommandBlock | ApiBlock, "compensate"> }) {
  if (!block.compensate) return null;
  return (
    <div className="border-t border-line px-3 py-2.5">
      <p className="mb-1.5 flex items-center gap-1.5 text-xs font-medium text-muted">
        <RotateCcw aria-hidden className="size-3.5" />
        undone by, when a later step fails
      </p>
      <BlockView block={block.compensate} />
    </div>
  );
}

function Expression({ text, said }: { text: string; said: string }) {
  return (
    <p className="flex flex-wrap items-baseline gap-x-2">
      <span className="text-[0.8125rem] text-muted">{said}</span>
      <code className="min-w-0 font-mono text-[0.8125rem] wrap-anywhere">{text}</code>
    </p>
  );
}

/** A value as it is written: text, or the expression that it comes from. */
function textOf(value: Value): string {
  return typeof value === "string" ? value : `{${value.expr}}`;
}

function approvalWords(required: number): string {
  return required === 1 ? "One person agrees" : `${required} people agree`;
}
