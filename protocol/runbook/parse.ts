/** Markdown in, a runbook or everything that is wrong with it out. */
import type { z } from "zod";
import type { ProblemIssue } from "../errors.ts";
import { BLOCKS_MAX } from "../limits.ts";
import { type Draft, draftBlocks, nameBlocks } from "./blocks.ts";
import { type RunbookDocument, runbookDocumentSchema, targetSchema } from "./document.ts";
import { fieldsOf } from "./fields.ts";
import { type FrontMatter, readFrontMatter } from "./frontMatter.ts";
import { IssueList } from "./issues.ts";
import { parameterSchema } from "./parameters.ts";
import { sentenceOf, unknownField } from "./sentences.ts";
import { cleanSource } from "./source.ts";
import { splitBody } from "./structure.ts";

export type ParsedRunbook = { ok: true; document: RunbookDocument } | { ok: false; issues: ProblemIssue[] };

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
  const drafts = draftBlocks(structure.pieces, issues);
  const result = runbookDocumentSchema.safeParse({
    schema: 1,
    title: shorten(structure.title ?? UNTITLED),
    parameters: [],
    target: {},
    ...front.fields,
    blocks: nameBlocks(drafts),
  });
  if (!result.success) {
    for (const issue of result.error.issues) reportIssue(issue, front, drafts, issues);
  }
  reportRepeatedNames(drafts, issues);
  return result.success && issues.empty
    ? { ok: true, document: result.data }
    : { ok: false, issues: issues.list() };
}

/** Puts what the schema says where it was written, in the words it was written with. */
function reportIssue(
  issue: z.core.$ZodIssue,
  front: FrontMatter,
  drafts: readonly Draft[],
  issues: IssueList,
): void {
  const [section, index, key] = issue.path;
  if (section === "blocks") {
    reportBlockIssue(issue, typeof index === "number" ? drafts[index] : drafts[BLOCKS_MAX], key, issues);
  } else if (issue.code === "unrecognized_keys") {
    for (const name of issue.keys) {
      issues.add(front.locate([...issue.path, name]), unknownField(name, knownFields(issue.path, front)));
    }
  } else {
    const field = issue.path.map((part) => (typeof part === "number" ? part + 1 : String(part))).join(" ");
    issues.add(front.locate(issue.path), sentenceOf(issue, { field }));
  }
}

function reportBlockIssue(
  issue: z.core.$ZodIssue,
  draft: Draft | undefined,
  key: PropertyKey | undefined,
  issues: IssueList,
): void {
  if (!draft) return;
  if (issue.path.length === 1) {
    issues.add(draft.at, `this is one block too many: a runbook has at most ${BLOCKS_MAX}, so split it`);
    return;
  }
  const [word, field] = [...fieldsOf(draft.kind)].find(([, each]) => each.key === key) ?? [
    String(key),
    undefined,
  ];
  const naming = { field: word, print: field?.unit?.print };
  issues.add(draft.locate(typeof key === "string" ? key : "id"), sentenceOf(issue, naming));
}

function reportRepeatedNames(drafts: readonly Draft[], issues: IssueList): void {
  const seen = new Set<unknown>();
  for (const draft of drafts) {
    if (draft.name === undefined) continue;
    if (seen.has(draft.name)) issues.add(draft.locate("id"), `the block name "${draft.name}" is used twice`);
    seen.add(draft.name);
  }
}

function knownFields(path: readonly PropertyKey[], front: FrontMatter): string[] {
  const [section, index] = path;
  if (section === "target") return Object.keys(targetSchema.shape);
  const written = Array.isArray(front.fields.parameters) ? front.fields.parameters[Number(index)] : undefined;
  const option = parameterSchema.options.find((each) => each.shape.type.value === written?.type);
  return Object.keys(option?.shape ?? {});
}

function shorten(title: string): string {
  if (title.length <= TITLE_MAX) return title;
  return `${title.slice(0, TITLE_MAX - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
