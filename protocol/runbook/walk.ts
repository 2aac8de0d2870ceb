/** The blocks of a document with where they stand in it. */
import { type Block, childLists, compensationOf } from "../blocks/index.ts";

export interface Place {
  block: Block;
  /** Where it stands in the document, such as `blocks`, 2, `then`, 0. */
  path: readonly PropertyKey[];
  /** How many blocks it lies in. */
  depth: number;
  /** From the outside in: the lists that it lies in, and its own place or that of the block around it there. */
  trail: readonly { list: number; index: number }[];
  /** The blocks around it, from the outside in. */
  around: readonly Block[];
  /** The block that it undoes. */
  undoes?: Place;
}

type Lists = { blocks: readonly Block[]; finally?: readonly Block[] };

/** Every block, parents before their children, compensations after what they undo. */
export function* walkDocument(document: Lists): Generator<Place> {
  const top = { depth: 0, trail: [], around: [] };
  yield* walkList(document.blocks, 0, { ...top, path: ["blocks"] });
  yield* walkList(document.finally ?? [], 1, { ...top, path: ["finally"] });
}

function* walkList(
  blocks: readonly Block[],
  list: number,
  { path, depth, trail, around }: Pick<Place, "path" | "depth" | "trail" | "around">,
): Generator<Place> {
  for (const [index, block] of blocks.entries()) {
    const place: Place = {
      block,
      path: [...path, index],
      depth,
      trail: [...trail, { list, index }],
      around,
    };
    yield place;
    const inside = { depth: depth + 1, trail: place.trail, around: [...around, block] };
    for (const [number, children] of childLists(block).entries()) {
      yield* walkList(children, number, { ...inside, path: [...place.path, ...listPath(block, number)] });
    }
    const undo = compensationOf(block);
    if (undo) {
      yield { ...place, block: undo, path: [...place.path, "compensate"], depth: depth + 1, undoes: place };
    }
  }
}

/** Where the n-th list of blocks stands in a block. */
function listPath(block: Block, list: number): PropertyKey[] {
  if (block.kind === "condition") return [list === 0 ? "then" : "else"];
  return block.kind === "parallel" ? ["branches", list] : ["blocks"];
}
