import { Pencil, Plus } from "lucide-react";
import type { BlockKind } from "#protocol/blocks/index.ts";
import { BLOCK_KINDS, KIND_DOCS } from "#protocol/runbook/fields.ts";
import { Button } from "../../components/Button.tsx";
import { DropdownMenu, MenuItem } from "../../components/DropdownMenu.tsx";

interface Props {
  onInsert(kind: BlockKind): void;
  onEdit(): void;
}

/** Blocks by form, for who does not want to write them. */
export function BlockToolbar({ onInsert, onEdit }: Props) {
  return (
    <div role="toolbar" aria-label="Blocks" className="flex shrink-0 gap-1 border-b border-line px-2 py-1">
      <DropdownMenu
        align="start"
        trigger={
          <Button variant="ghost">
            <Plus aria-hidden />
            Insert block
          </Button>
        }
      >
        {BLOCK_KINDS.map((kind) => (
          <MenuItem key={kind} onSelect={() => onInsert(kind)} className="py-1">
            <span className="flex min-w-0 flex-col">
              <span className="font-mono text-[0.8125rem]">{kind}</span>
              <span className="text-xs text-muted">{KIND_DOCS[kind]}</span>
            </span>
          </MenuItem>
        ))}
      </DropdownMenu>
      <Button variant="ghost" onClick={onEdit} title="Alt+Enter">
        <Pencil aria-hidden />
        Edit block
      </Button>
    </div>
  );
}
