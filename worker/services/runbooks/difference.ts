/** How two trees of blocks are different, by the names of blocks. Pure. */
import { diffArrays } from "diff";
import type { BlockDifference } from "#protocol/api/differences.ts";
import { type Block, childLists, compensationOf } from "#protocol/blocks/index.ts";
import { canonicalJson } from "#protocol/digest.ts";
import { blockTitle } from "../../blocks/index.ts";

export interface Tree {
  blocks: readonly Block[];
  finally?: readonly Block[] | undefined;
}

interface Placed {
  block: Block;
  /** Which list of which block it stands in. */
  list: string;
}

/** What a block holds of others: each of them counts for itself. */
const INSIDE = new Set(["then", "else", "branches", "blocks", "compensate"]);

export function differenceOf(before: Tree, after: Tree): BlockDifference {
  const old = placesOf(before);
  const now = placesOf(after);
  const both = [...now.values()].flatMap((placed) => {
    const was = old.get(placed.block.id);
    return was ? [{ was, placed }] : [];
  });
  const moved = movedBetween(old, now);
  return {
    added: [...now.values()].filter(({ block }) => !old.has(block.id)).map(toName),
    removed: [...old.values()].filter(({ block }) => !now.has(block.id)).map(toName),
    changed: both.flatMap(({ was, placed }) => {
      const fields = changedFields(was.block, placed.block).filter((field) => !INSIDE.has(field));
      return fields.length > 0 ? [{ ...toName(placed), fields }] : [];
    }),
    moved: both.filter(({ placed }) => moved.has(placed.block.id)).map(({ placed }) => toName(placed)),
  };
}

/** The names of the fields that are not the same in both. */
export function changedFields(before: object, after: object): string[] {
  const [one, other] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  const text = (value: unknown) => (value === undefined ? "" : canonicalJson(value));
  return [...new Set([...one.keys(), ...other.keys()])].filter(
    (field) => text(one.get(field)) !== text(other.get(field)),
  );
}

function placesOf(tree: Tree): Map<string, Placed> {
  const places = new Map<string, Placed>();
  const visit = (blocks: readonly Block[], list: string): void => {
    for (const block of blocks) {
      places.set(block.id, { block, list });
      for (const [index, inner] of childLists(block).entries()) visit(inner, `${block.id}/${index}`);
      const undo = compensationOf(block);
      if (undo) visit([undo], `${block.id}/undo`);
    }
  };
  visit(tree.blocks, "/blocks");
  visit(tree.finally ?? [], "/finally");
  return places;
}

/** Blocks in another list, and the fewest that explain another order within one. */
function movedBetween(old: Map<string, Placed>, now: Map<string, Placed>): Set<string> {
  const stayed = (places: Map<string, Placed>) =>
    [...places.values()].filter(({ block: { id } }) => old.get(id)?.list === now.get(id)?.list);
  const elsewhere = [...now.keys()].filter((id) => old.has(id) && old.get(id)?.list !== now.get(id)?.list);
  const orders = Map.groupBy(stayed(now), ({ list }) => list);
  const wereThere = Map.groupBy(stayed(old), ({ list }) => list);
  const swapped = [...orders].flatMap(([list, placed]) => {
    const ids = (all: readonly Placed[]) => all.map(({ block }) => block.id);
    const changes = diffArrays(ids(wereThere.get(list) ?? []), ids(placed));
    return changes.filter(({ added }) => added).flatMap(({ value }) => value);
  });
  return new Set([...elsewhere, ...swapped]);
}

function toName({ block }: Placed) {
  return { id: block.id, kind: block.kind, title: blockTitle(block) };
}
