/** The registry of block kinds: the one list of them on the server's side. */
import type { Block, BlockKind } from "#protocol/blocks/index.ts";
import { api } from "./api.ts";
import { approval } from "./approval.ts";
import { command } from "./command.ts";
import { condition } from "./condition.ts";
import { foreach } from "./foreach.ts";
import { instruction } from "./instruction.ts";
import type { Beginning, BlockDefinition, Scene } from "./kind.ts";
import { parallel } from "./parallel.ts";
import { runbook } from "./runbook.ts";
import { timer } from "./timer.ts";

const blocks: { readonly [Kind in BlockKind]: BlockDefinition<Kind> } = {
  instruction,
  command,
  api,
  condition,
  timer,
  approval,
  parallel,
  foreach,
  runbook,
};

function definitionOf<Kind extends BlockKind>(kind: Kind): BlockDefinition<Kind> {
  return blocks[kind];
}

/** The name a step of this block goes by. */
export function blockTitle(block: Block): string {
  return block.title ?? definitionOf(block.kind).title(block);
}

/**
 * What happens when a step of this block is reached.
 * @throws ExpressionError when an expression of the block has no result
 */
export function beginBlock(block: Block, scene: Scene): Beginning {
  return definitionOf(block.kind).begin(block, scene);
}
