/** Pieces of a page become blocks: still unchecked, but each knowing where it was written. */

import { type Attribute, readAttributes } from "./attributes.ts";
import { attributeValue } from "./attributeValues.ts";
import { ATTRIBUTES, fieldsOf } from "./fields.ts";
import type { IssueList, Position } from "./issues.ts";
import { interpreterOf } from "./languages.ts";
import { type Origin, originAt } from "./origin.ts";
import { type Draft, readBlock, readField } from "./readFields.ts";
import type { Fence, Marker, Piece } from "./structure.ts";
import { readYaml } from "./yaml.ts";

export interface DraftLists {
  blocks: Draft[];
  /** What stands below the mark for it; where that mark is. */
  finally?: { drafts: Draft[]; at: Position };
}

export function draftBlocks(pieces: readonly Piece[], issues: IssueList): DraftLists {
  const lists: DraftLists = { blocks: [] };
  let marker: Marker | undefined;
  for (const piece of pieces) {
    const drafts = lists.finally?.drafts ?? lists.blocks;
    const named = marker;
    marker = undefined;
    if (named && piece.type !== "prose") reportLoneMarker(named.at, issues);
    switch (piece.type) {
      case "prose":
        drafts.push(draftProse(piece.text, piece.at, named));
        break;
      case "marker":
        marker = piece;
        break;
      case "finally":
        if (lists.finally) issues.add(piece.at, "this mark stands here twice; remove one");
        else lists.finally = { drafts: [], at: piece.at };
        break;
      case "fence":
        drafts.push(draftFence(piece, issues));
        break;
      default:
        piece satisfies never;
    }
  }
  if (marker) reportLoneMarker(marker.at, issues);
  return lists;
}

function draftProse(markdown: string, at: Position, marker?: Marker): Draft {
  const origin: Origin = { ...originAt(marker?.at ?? at), fields: fieldsOf("instruction"), isBlock: true };
  return { block: { kind: "instruction", id: marker?.name, markdown }, origin, children: [] };
}

function draftFence(fence: Fence, issues: IssueList): Draft {
  const interpreter = interpreterOf(fence.info);
  if (interpreter) return draftCommand(fence, interpreter, issues);
  const yaml = readYaml(fence.content, fence.place, issues);
  const isMap = yaml.origin.parts.size > 0;
  const draft = readBlock(isMap ? yaml : { ...yaml, origin: { ...yaml.origin, at: fence.at } }, issues);
  return { ...draft, heading: fence.heading };
}

function draftCommand(fence: Fence, interpreter: string, issues: IssueList): Draft {
  // Blank lines are no script: the schema says so for both.
  const script = fence.content.trim() === "" ? "" : fence.content;
  const block: Record<string, unknown> = { kind: "command", interpreter, script };
  const parts = new Map<string, Origin>([["script", originAt(fence.at)]]);
  for (const attribute of readAttributes(fence.info, fence.infoAt, issues)) {
    readAttribute(attribute, block, parts, issues);
  }
  const origin = { at: fence.at, parts, fields: fieldsOf("command"), isBlock: true };
  return { block, origin, heading: fence.heading, children: [] };
}

function readAttribute(
  { name, value, at }: Attribute,
  block: Record<string, unknown>,
  parts: Map<string, Origin>,
  issues: IssueList,
): void {
  const field = ATTRIBUTES.find(({ word }) => word === name);
  if (!field) {
    const known = ATTRIBUTES.map(({ word }) => word).join(", ");
    issues.add(at, `unknown attribute "${name.slice(0, 60)}"; a command block knows ${known}`);
  } else if (parts.has(field.key)) {
    issues.add(at, `"${name}" stands here twice; remove one`);
  } else {
    const written = { value: attributeValue(field.type, value), origin: originAt(at) };
    const part = readField(field, written, issues);
    block[field.key] = part.value;
    parts.set(field.key, part.origin);
  }
}

function reportLoneMarker(at: Position, issues: IssueList): void {
  issues.add(at, "this names the prose below it, but there is none; write some or remove the comment");
}
