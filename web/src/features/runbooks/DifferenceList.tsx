import { ArrowUpDown, Minus, PencilLine, Plus } from "lucide-react";
import type { ReactNode } from "react";
import type { BlockDifference, Comparison } from "#protocol/api/differences.ts";

type Props = { blocks: BlockDifference } & Partial<Pick<Comparison, "parameters" | "settings">>;

const LOOK = {
  added: { icon: Plus, tone: "text-good", said: "added" },
  removed: { icon: Minus, tone: "text-bad", said: "removed" },
  changed: { icon: PencilLine, tone: "text-warn", said: "changed" },
  moved: { icon: ArrowUpDown, tone: "text-live", said: "moved" },
} as const;
type Change = keyof typeof LOOK;

/** What one says that the other does not: blocks, parameters and settings, each with a mark. */
export function DifferenceList({ blocks, parameters, settings = [] }: Props) {
  return (
    <ul className="flex flex-col gap-1.5">
      {(["added", "removed", "changed", "moved"] as const).flatMap((change) =>
        blocks[change].map((block) => (
          <Row key={`${change} ${block.id}`} change={change}>
            <span className="font-medium">{block.title}</span>
            {"fields" in block && <span className="text-muted">: {block.fields.join(", ")}</span>}
          </Row>
        )),
      )}
      {(["added", "removed", "changed"] as const).flatMap((change) =>
        (parameters?.[change] ?? []).map((name) => (
          <Row key={`${change} parameter ${name}`} change={change}>
            parameter <code className="font-mono text-[0.8125rem]">{name}</code>
          </Row>
        )),
      )}
      {settings.map((name) => (
        <Row key={`setting ${name}`} change="changed">
          {name}
        </Row>
      ))}
    </ul>
  );
}

export function isSame({ added, removed, changed, moved }: BlockDifference): boolean {
  return added.length + removed.length + changed.length + moved.length === 0;
}

function Row({ change, children }: { change: Change; children: ReactNode }) {
  const { icon: Icon, tone, said } = LOOK[change];
  return (
    <li className="flex items-start gap-2">
      <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${tone}`} />
      <span className="min-w-0 wrap-anywhere">
        {children} <span className="text-muted">{said}</span>
      </span>
    </li>
  );
}
