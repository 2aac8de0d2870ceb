/**
 * What a schema cannot see: whether the parts of a document fit each other.
 * Pure, and looked at once the document as a whole has its form.
 */
import type { Block } from "../blocks/index.ts";
import { checkBlock } from "./checkBlock.ts";
import { expressionProblems, type Surroundings } from "./checkExpression.ts";
import { lockProblems } from "./checkLocks.ts";
import { parameterProblems } from "./checkParameters.ts";
import type { RunbookDocument } from "./document.ts";
import { expressionsOf } from "./expressionSites.ts";
import { type Place, walkDocument } from "./walk.ts";

export interface DocumentIssue {
  /** Where in the document. */
  path: readonly PropertyKey[];
  message: string;
}

/** Everything that cannot work out when this document runs, as far as it can be known. */
export function checkDocument(document: RunbookDocument): DocumentIssue[] {
  const places = [...walkDocument(document)];
  const surroundings: Surroundings = {
    parameters: document.parameters,
    steps: new Map(places.map((place) => [place.block.id, place])),
  };
  return [
    ...below(["parameters"], parameterProblems(document.parameters)),
    ...places.flatMap((place) => below(place.path, placeProblems(place, surroundings))),
    ...places.flatMap((place) => below(place.path, lockProblems(document, place))),
  ];
}

function placeProblems(place: Place, surroundings: Surroundings): DocumentIssue[] {
  const block: Block = place.block;
  const inExpressions = expressionsOf(block).flatMap(({ path, text, gives }) =>
    expressionProblems(text, gives, place, surroundings).map((message) => ({ path, message })),
  );
  return [...inExpressions, ...checkBlock(place)];
}

function below(path: readonly PropertyKey[], found: readonly DocumentIssue[]): DocumentIssue[] {
  return found.map((each) => ({ ...each, path: [...path, ...each.path] }));
}
