/** A runbook out, as Markdown that parses back to exactly the same. */
import { Document, Scalar, visit } from "yaml";
import { printAttributes } from "./attributes.ts";
import { instructionName } from "./blocks.ts";
import type { Block, CommandBlock, InstructionBlock, RunbookDocument } from "./document.ts";
import { ATTRIBUTES, BLOCK_FIELDS, fieldsOf, printField } from "./fields.ts";
import { IssueList } from "./issues.ts";
import { BLOCK_LANGUAGE } from "./languages.ts";
import { cleanProse } from "./prose.ts";
import { splitBody } from "./structure.ts";

const BENDABLE =
  /[^\n\x20-\x7e\u{a1}-\u{167f}\u{2030}-\u{205e}\u{3001}-\u{d7ff}\u{10000}-\u{10ffff}]|^\s|\s$|[ \t]\n|\n\n\n/u;

/** Prints the Markdown of a runbook; `parseRunbook` of it gives the same document. */
export function printRunbook(document: RunbookDocument): string {
  const parts = [printFrontMatter(document)];
  let instructions = 0;
  let previous: Block | undefined;
  for (const block of document.blocks) {
    if (block.kind === "instruction") instructions += 1;
    const unnamed = block.id === instructionName(instructions) && previous?.kind !== "instruction";
    parts.push(printBlock(block, unnamed));
    previous = block;
  }
  return `${parts.join("\n\n")}\n`;
}

function printBlock(block: Block, unnamed: boolean): string {
  switch (block.kind) {
    case "instruction":
      if (!isPlainProse(block.markdown)) return printYamlBlock(block);
      return unnamed ? block.markdown : `<!-- name=${block.id} -->\n\n${block.markdown}`;
    case "command":
      return isPlainScript(block.script) ? printCommand(block) : printYamlBlock(block);
    default:
      return block satisfies never;
  }
}

function printFrontMatter({ title, description, parameters, target }: RunbookDocument): string {
  const fields = {
    title,
    ...(description !== undefined && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...((target.pool !== undefined || target.labels) && { target }),
  };
  return `---\n${printYaml(fields)}---`;
}

function printCommand(block: CommandBlock): string {
  const attributes: Array<[string, string]> = [];
  for (const word of ATTRIBUTES) {
    const field = BLOCK_FIELDS.command[word];
    const value = block[field.key];
    if (value !== undefined) attributes.push([word, String(printField(field, value))]);
  }
  return printFence(`${block.interpreter}${printAttributes(attributes)}`, block.script);
}

function printYamlBlock(block: InstructionBlock | CommandBlock): string {
  const written: Record<string, unknown> = { kind: block.kind };
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(block));
  for (const [word, field] of fieldsOf(block.kind)) {
    const value = values.get(field.key);
    if (value !== undefined) written[word] = printField(field, value);
  }
  return printFence(BLOCK_LANGUAGE, printYaml(written).replace(/\n$/, ""));
}

/** A fence longer than any in the text, of the kind that its info may stand behind. */
function printFence(info: string, text: string): string {
  const mark = info.includes("`") ? "~" : "`";
  const runs = text.match(mark === "`" ? /`{3,}/g : /~{3,}/g) ?? [];
  const fence = mark.repeat(runs.reduce((longest, run) => Math.max(longest, run.length + 1), 3));
  return `${fence}${info}\n${text}\n${fence}`;
}

/** Strings that YAML's block form could bend (odd characters, spaces at the ends of lines) are quoted. */
function printYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === "string" && BENDABLE.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({
    lineWidth: 0,
    blockQuote: "literal",
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  });
}

/** What a fence gives back as it was put in. */
function isPlainScript(script: string): boolean {
  return script.trim() !== "" && !/[\r\0]/.test(script);
}

/** True when the text stands on a page by itself: nothing in it is a block or hides what follows. */
function isPlainProse(markdown: string): boolean {
  if (/[\r\0]/.test(markdown) || cleanProse(markdown) !== markdown) return false;
  const issues = new IssueList();
  const { pieces } = splitBody(
    `${markdown}\n\n\`\`\`bash\n:\n\`\`\``,
    { firstLine: 1, takeTitle: false },
    issues,
  );
  const [prose, fence, ...others] = pieces;
  const alone = prose?.type === "prose" && prose.text === markdown && others.length === 0;
  return issues.empty && alone && fence?.type === "fence";
}
