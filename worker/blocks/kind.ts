/** What the engine needs to know about one kind of block. */
import type { Block, BlockKind } from "#protocol/blocks/index.ts";
import type { StepInputs } from "#protocol/data.ts";
import type { Wait } from "#protocol/events.ts";

/** How a step of this kind begins once its turn has come. */
export type Beginning =
  /** It is done at once; nothing leaves the coordinator. */
  | { type: "complete" }
  /** It cannot be done, for this reason. */
  | { type: "fail"; detail: string }
  | { type: "wait"; wait: Wait }
  /** An agent does it. What of these values are expressions is worked out once the agent is known. */
  | { type: "agent"; values: Readonly<Record<string, unknown>> }
  /** On each agent that matches the block's target: a step for each of them, or a list of steps. */
  | { type: "agents" }
  /** The control plane does it. */
  | { type: "edge"; inputs: StepInputs }
  /** Another execution does it. */
  | { type: "child"; inputs: StepInputs }
  /** One of its lists of blocks runs. */
  | { type: "list"; list: number }
  /** All of its lists run. */
  | { type: "lists" }
  /** Its list runs for each of these. */
  | { type: "items"; items: readonly unknown[] };

/** What a beginning may look at. */
export interface Scene {
  /** Ms since the epoch. */
  now: number;
  /** True for the step that stands for all agents of its target, not for one of them. */
  isGroup: boolean;
  /**
   * The result of an expression, as JSON.
   * @throws ExpressionError
   */
  evaluate(expression: string): unknown;
}

export interface BlockDefinition<Kind extends BlockKind> {
  /** What lists and logs call the step, when it has no title of its own. */
  title(block: Extract<Block, { kind: Kind }>): string;
  /** @throws ExpressionError when an expression of the block has no result */
  begin(block: Extract<Block, { kind: Kind }>, scene: Scene): Beginning;
}
