/**
 * Blocks as a tree: the union of all kinds, and how to walk it. The order of
 * the kinds here is the order in which documentation and menus list them.
 */
import { z } from "zod";
import { BLOCK_DEPTH_MAX, BLOCKS_MAX } from "../limits.ts";
import { apiFieldsSchema } from "./api.ts";
import { type ApprovalBlock, approvalBlockSchema } from "./approval.ts";
import { commandFieldsSchema } from "./command.ts";
import { type InstructionBlock, instructionBlockSchema } from "./instruction.ts";
import {
  conditionFieldsSchema,
  foreachFieldsSchema,
  parallelFieldsSchema,
  runbookFieldsSchema,
} from "./structure.ts";
import { type TimerBlock, timerBlockSchema } from "./timer.ts";

export type { ApprovalBlock, InstructionBlock, TimerBlock };

/** What undoes a block when a later one fails. */
interface Compensable {
  compensate?: CommandBlock | ApiBlock;
}
export type CommandBlock = z.infer<typeof commandFieldsSchema> & Compensable;
export type ApiBlock = z.infer<typeof apiFieldsSchema> & Compensable;
export type RunbookBlock = z.infer<typeof runbookFieldsSchema> & Compensable;
export type ConditionBlock = z.infer<typeof conditionFieldsSchema> & {
  then: Block[];
  else?: Block[];
};
export type ParallelBlock = z.infer<typeof parallelFieldsSchema> & { branches: Block[][] };
export type ForeachBlock = z.infer<typeof foreachFieldsSchema> & { blocks: Block[] };

export type Block =
  | InstructionBlock
  | CommandBlock
  | ApiBlock
  | ConditionBlock
  | TimerBlock
  | ApprovalBlock
  | ParallelBlock
  | ForeachBlock
  | RunbookBlock;
export type BlockKind = Block["kind"];

const listSchema: z.ZodType<Block[]> = z.lazy(() => z.array(blockSchema).max(BLOCKS_MAX));
const someSchema: z.ZodType<Block[]> = z.lazy(() => z.array(blockSchema).min(1).max(BLOCKS_MAX));
/** What undoes a block is not undone itself. */
const compensation = {
  compensate: z.discriminatedUnion("kind", [commandFieldsSchema, apiFieldsSchema]).optional(),
};

export const commandBlockSchema = commandFieldsSchema.extend(compensation).meta({ id: "CommandBlock" });
export const apiBlockSchema = apiFieldsSchema.extend(compensation).meta({ id: "ApiBlock" });

export const blockSchema = z
  .discriminatedUnion("kind", [
    instructionBlockSchema,
    commandBlockSchema,
    apiBlockSchema,
    conditionFieldsSchema.extend({ then: listSchema, else: listSchema.optional() }),
    timerBlockSchema,
    approvalBlockSchema,
    parallelFieldsSchema.extend({ branches: z.array(someSchema).min(1).max(100) }),
    foreachFieldsSchema
      .extend({ blocks: someSchema })
      .refine((block) => (block.items === undefined) !== (block.target === undefined), {
        error: "a foreach needs either items or a target",
        path: ["items"],
      }),
    runbookFieldsSchema.extend(compensation),
  ])
  .meta({ id: "Block" });

/** The lists of blocks inside a block, in the order in which their numbers name them. */
export function childLists(block: Block): readonly (readonly Block[])[] {
  switch (block.kind) {
    case "condition":
      return [block.then, block.else ?? []];
    case "parallel":
      return block.branches;
    case "foreach":
      return [block.blocks];
    case "instruction":
    case "command":
    case "api":
    case "timer":
    case "approval":
    case "runbook":
      return [];
    default:
      return block satisfies never;
  }
}

/** The block that undoes this one, if it has one. */
export function compensationOf(block: Block): CommandBlock | ApiBlock | undefined {
  return block.kind === "command" || block.kind === "api" || block.kind === "runbook"
    ? block.compensate
    : undefined;
}

/** Every block of a tree, parents before their children, compensations after what they undo. */
export function* walkBlocks(blocks: readonly Block[], depth = 0): Generator<{ block: Block; depth: number }> {
  for (const block of blocks) {
    yield { block, depth };
    for (const list of childLists(block)) yield* walkBlocks(list, depth + 1);
    const undo = compensationOf(block);
    if (undo) yield* walkBlocks([undo], depth + 1);
  }
}

/** True when data that may become blocks is nested too deeply to be looked at. */
export function isTooDeep(data: unknown, left = BLOCK_DEPTH_MAX * 4): boolean {
  if (typeof data !== "object" || data === null) return false;
  if (left === 0) return true;
  return Object.values(data).some((value) => isTooDeep(value, left - 1));
}
