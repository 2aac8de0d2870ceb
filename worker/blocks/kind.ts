/** What the engine needs to know about one kind of block. */
import type { Block, BlockKind } from "#protocol/runbook/document.ts";

/** How a step of this kind begins once its turn has come. */
export type Beginning =
  /** It is done at once; nothing leaves the coordinator. */
  | { type: "complete" }
  /** An agent does it, within this time (ms). */
  | { type: "dispatch"; timeoutMs: number; onDisconnect: "continue" | "stop" };

export interface BlockDefinition<Kind extends BlockKind> {
  /** What lists and logs call the step. */
  title(block: Extract<Block, { kind: Kind }>): string;
  begin(block: Extract<Block, { kind: Kind }>): Beginning;
}
