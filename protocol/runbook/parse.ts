/** Markdown in, a runbook or everything that is wrong with it out. */
import type { ProblemIssue } from "../errors.ts";
import { type DraftLists, draftBlocks } from "./blocks.ts";
import { checkDocument } from "./check.ts";
import { type RunbookDocument, runbookDocumentSchema } from "./document.ts";
import { type FrontMatter, readFrontMatter } from "./frontMatter.ts";
import { IssueList, type Position } from "./issues.ts";
import { nameDrafts, reportRepeatedNames } from "./naming.ts";
import { findOrigin, type Origin } from "./origin.ts";
import type { Draft } from "./readFields.ts";
import { reportSchemaIssues } from "./report.ts";
import { cleanSource } from "./source.ts";
import { splitBody } from "./structure.ts";
import { scriptWarnings } from "./warnings.ts";

/** `warnings`: what will run, and hardly do what was meant. */
export type ParsedRunbook =
  | { ok: true; document: RunbookDocument; warnings: ProblemIssue[] }
  | { ok: false; issues: ProblemIssue[] };

const UNTITLED = "Untitled runbook";
const TITLE_MAX = 200;

/**
 * Parses the Markdown of a runbook. Never throws: a source that is no runbook
 * comes back as all of its issues, each with line and column from 1.
 */
export function parseRunbook(source: string): ParsedRunbook {
  const issues = new IssueList();
  const text = cleanSource(source, issues);
  if (text === undefined) return { ok: false, issues: issues.list() };
  const front = readFrontMatter(text, issues);
  const takeTitle = front.fields.title === undefined;
  const structure = splitBody(front.body, { firstLine: front.bodyLine, takeTitle }, issues);
  const lists = draftBlocks(structure.pieces, issues);
  const drafts = [...lists.blocks, ...(lists.finally?.drafts ?? [])];
  nameDrafts(drafts);
  reportRepeatedNames(drafts, issues);
  const result = runbookDocumentSchema.safeParse({
    schema: 1,
    title: shorten(structure.title ?? UNTITLED),
    parameters: [],
    target: {},
    ...front.fields,
    blocks: lists.blocks.map(({ block }) => block),
    ...(lists.finally && { finally: lists.finally.drafts.map(({ block }) => block) }),
  });
  const root = originOf(front, lists);
  if (!result.success) {
    reportSchemaIssues(result.error.issues, root, issues);
    return { ok: false, issues: issues.list() };
  }
  for (const { path, message } of checkDocument(result.data)) issues.add(findOrigin(root, path).at, message);
  if (!issues.empty) return { ok: false, issues: issues.list() };
  return { ok: true, document: result.data, warnings: scriptWarnings(structure.pieces) };
}

function originOf({ origin }: FrontMatter, lists: DraftLists): Origin {
  const parts = new Map(origin.parts);
  parts.set("blocks", listOrigin(lists.blocks, origin.at));
  if (lists.finally) parts.set("finally", listOrigin(lists.finally.drafts, lists.finally.at));
  return { ...origin, parts };
}

function listOrigin(drafts: readonly Draft[], at: Position): Origin {
  return { at, parts: new Map(drafts.map((draft, index) => [String(index), draft.origin])) };
}

function shorten(title: string): string {
  if (title.length <= TITLE_MAX) return title;
  return `${title.slice(0, TITLE_MAX - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
