/** The registry of block kinds: the one list of them on the server's side. */
import type { Block, BlockKind } from "#protocol/runbook/document.ts";
import { command } from "./command.ts";
import { instruction } from "./instruction.ts";
import type { Beginning, BlockDefinition } from "./kind.ts";

const blocks: { readonly [Kind in BlockKind]: BlockDefinition<Kind> } = { instruction, command };

function definitionOf<Kind extends BlockKind>(kind: Kind): BlockDefinition<Kind> {
  return blocks[kind];
}

/** The name a step of this block goes by. */
export function blockTitle(block: Block): string {
  return definitionOf(block.kind).title(block);
}

/** What happens when a step of this block is reached. */
export function beginBlock(block: Block): Beginning {
  return definitionOf(block.kind).begin(block);
}
