/**
 * Where a step stands in its plan. A step's path is its block's name, followed
 * by `~` and a number for every `foreach` around it (which item) and for the
 * agent it runs on, when it runs on many: `restart`, `restart~3`, `check~0~2`.
 * Block names are unique in a plan, so a path needs no parents in it.
 */
import { type Block, childLists, compensationOf } from "./blocks/index.ts";
import type { Plan } from "./plan.ts";

/** The path of the execution itself, parent of its two lists: 0 `blocks`, 1 `finally`. */
export const ROOT = "";

/** The most a path can need, bytes. */
export const PATH_MAX_BYTES = 256;

interface Position {
  block: Block;
  /** The block around it; undefined at the top level and for compensations. */
  parent: Block | undefined;
  /** The list it stands in, by number in its parent, and its place there. */
  list: number;
  index: number;
  siblings: readonly Block[];
  /** How many numbers its path has: the `foreach` blocks around it, and the agent of what it undoes. */
  loops: number;
  /** The block that it undoes. */
  undoes?: Block;
}

export interface PlanIndex {
  readonly positions: ReadonlyMap<string, Position>;
}

const indexes = new WeakMap<object, PlanIndex>();

/** What is where in a plan; computed once for each plan object. */
export function indexOf(plan: Pick<Plan, "blocks" | "finally">): PlanIndex {
  const known = indexes.get(plan);
  if (known) return known;
  const positions = new Map<string, Position>();
  const visit = (
    siblings: readonly Block[],
    parent: Block | undefined,
    list: number,
    loops: number,
  ): void => {
    siblings.forEach((block, index) => {
      positions.set(block.id, { block, parent, list, index, siblings, loops });
      const inside = loops + (block.kind === "foreach" ? 1 : 0);
      for (const [number, blocks] of childLists(block).entries()) visit(blocks, block, number, inside);
      const undo = compensationOf(block);
      if (undo) {
        positions.set(undo.id, {
          block: undo,
          parent: undefined,
          list: 2,
          index: 0,
          siblings: [undo],
          // Of a step on many agents each is undone by itself.
          loops: loops + (mayHaveInstances(block) ? 1 : 0),
          undoes: block,
        });
      }
    });
  };
  visit(plan.blocks, undefined, 0, 0);
  visit(plan.finally ?? [], undefined, 1, 0);
  const index = { positions };
  indexes.set(plan, index);
  return index;
}

export interface Place extends Position {
  path: string;
  /** Which item of each `foreach` around it, and which agent. */
  numbers: readonly string[];
  /** Which of many agents this is, when the block runs on many; undefined for the step that stands for all. */
  instance: number | undefined;
}

/** Where a path points in the plan; undefined when nowhere. */
export function placeOf(plan: Pick<Plan, "blocks" | "finally">, path: string): Place | undefined {
  const [name = "", ...numbers] = path.split("~");
  const position = indexOf(plan).positions.get(name);
  if (!position || !numbers.every((number) => /^(0|[1-9]\d{0,4})$/.test(number))) return undefined;
  const extra = numbers.length - position.loops;
  if (extra !== 0 && (extra !== 1 || !mayHaveInstances(position.block))) return undefined;
  return { ...position, path, numbers, instance: extra === 1 ? Number(numbers.at(-1)) : undefined };
}

/** The block that a path stands for. */
export function blockAt(plan: Pick<Plan, "blocks" | "finally">, path: string): Block | undefined {
  return placeOf(plan, path)?.block;
}

/** True for a block whose target asks for many agents: each gets a step of its own. */
export function mayHaveInstances(block: Block): boolean {
  return (block.kind === "command" || block.kind === "api") && (block.target?.mode ?? "one") !== "one";
}

/** The step around this one, and the number of the list there that it belongs to. */
export function listOf({ parent, list, numbers, instance, block }: Place): { step: string; list: number } {
  if (instance !== undefined) return { step: join(block.id, numbers.slice(0, -1)), list: instance };
  if (!parent) return { step: ROOT, list };
  if (parent.kind !== "foreach") return { step: join(parent.id, numbers), list };
  return { step: join(parent.id, numbers.slice(0, -1)), list: Number(numbers.at(-1)) };
}

/** The paths of the steps in a list, in the order in which they run. */
export function pathsOfList(plan: Pick<Plan, "blocks" | "finally">, step: string, list: number): string[] {
  if (step === ROOT) return (list === 0 ? plan.blocks : (plan.finally ?? [])).map(({ id }) => id);
  const place = placeOf(plan, step);
  if (!place) return [];
  if (mayHaveInstances(place.block)) return [join(place.block.id, [...place.numbers, String(list)])];
  const loop = place.block.kind === "foreach";
  const blocks = childLists(place.block)[loop ? 0 : list] ?? [];
  const numbers = loop ? [...place.numbers, String(list)] : place.numbers;
  return blocks.map(({ id }) => join(id, numbers));
}

/** The steps around one, from the inside out, without the execution itself. */
export function* ancestorsOf(plan: Pick<Plan, "blocks" | "finally">, path: string): Generator<string> {
  let place = placeOf(plan, path);
  while (place) {
    const { step } = listOf(place);
    if (step === ROOT) return;
    yield step;
    place = placeOf(plan, step);
  }
}

/** The path of another block as seen from a step: with as many of its numbers as that block needs. */
export function pathFrom(
  plan: Pick<Plan, "blocks" | "finally">,
  from: readonly string[],
  name: string,
): string | undefined {
  const position = indexOf(plan).positions.get(name);
  if (!position || position.loops > from.length) return undefined;
  return join(name, from.slice(0, position.loops));
}

/** The path of the compensation of a step. */
export function compensationPath(plan: Pick<Plan, "blocks" | "finally">, path: string): string | undefined {
  const place = placeOf(plan, path);
  const undo = place && compensationOf(place.block);
  return undo && join(undo.id, place.numbers);
}

function join(name: string, numbers: readonly string[]): string {
  return [name, ...numbers].join("~");
}
