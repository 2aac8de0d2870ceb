/** One block by itself: how it is written, and how it should be. For forms, which show and change a single block. */
import { CST, Lexer } from "yaml";
import type { Block } from "../blocks/index.ts";
import { readAttributes } from "./attributes.ts";
import { draftBlocks } from "./blocks.ts";
import { IssueList } from "./issues.ts";
import { BLOCK_LANGUAGE, languageOf } from "./languages.ts";
import { printShort, printYamlBlock } from "./print.ts";
import { wordsOfBlock } from "./printYaml.ts";
import { type Draft, readBlock } from "./readFields.ts";
import { splitBody } from "./structure.ts";
import { readYaml } from "./yaml.ts";

/** The fields of a block by their words, its `kind` among them, as they are written. */
export type WrittenBlock = Readonly<Record<string, unknown>>;

/** `problem`: why it cannot be read, as a sentence. */
export type ReadBlock = { ok: true; words: WrittenBlock; isYaml: boolean } | { ok: false; problem: string };

/** Reads the block that a fence holds. @param fence from its opening to its closing line, without a margin */
export function readWrittenBlock(fence: string): ReadBlock {
  const issues = new IssueList();
  const [piece, ...others] = splitBody(fence, { firstLine: 1, takeTitle: false }, issues).pieces;
  if (piece?.type !== "fence" || others.length > 0) return { ok: false, problem: "This is no block." };
  const [draft] = draftBlocks([piece], issues).blocks;
  const [issue] = issues.list();
  if (!draft || issue) {
    return { ok: false, problem: `This block has a problem: ${issue?.message ?? "it cannot be read"}.` };
  }
  if (languageOf(piece.info) !== BLOCK_LANGUAGE) {
    const others = piece.info.slice(languageOf(piece.info).length).trim();
    if (others !== "" && readAttributes(piece.info, piece.infoAt, issues).length === 0) {
      return {
        ok: false,
        problem: "This block has words of other tools behind its language, which a form would lose.",
      };
    }
    return { ok: true, words: wordsOfBlock(asBlock(draft)), isYaml: false };
  }
  if (hasComments(piece.content)) {
    return { ok: false, problem: "This block has comments (#), which a form would lose." };
  }
  const { value } = readYaml(piece.content, (line, column) => ({ line, column }), issues);
  return { ok: true, words: { ...Object(value) }, isYaml: true };
}

/** Prints a block that was found to be right. @param isYaml it stays YAML where it could be shorter */
export function printWrittenBlock(words: WrittenBlock, isYaml: boolean): string {
  if (isYaml) return printYamlBlock(words);
  const at = { line: 1, column: 1 };
  const draft = readBlock({ value: words, origin: { at, parts: new Map() } }, new IssueList());
  return printShort(asBlock(draft), draft.block.id === undefined) ?? printYamlBlock(words);
}

/** Printing goes by the words and asks for no more: a name that was not written is not printed. */
function asBlock({ block }: Draft): Block {
  return block as Block;
}

function hasComments(yaml: string): boolean {
  let previous = "";
  for (const token of new Lexer().lex(yaml)) {
    if (CST.tokenType(token) === "comment" && previous !== CST.SCALAR) return true;
    previous = token;
  }
  return false;
}
