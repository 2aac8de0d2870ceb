/** A runbook out, as Markdown that parses back to exactly the same. */
import { FENCE_INTERPRETERS } from "../blocks/command.ts";
import type { Block } from "../blocks/index.ts";
import { printAttributes } from "./attributes.ts";
import { attributeText } from "./attributeValues.ts";
import type { RunbookDocument } from "./document.ts";
import { ATTRIBUTES } from "./fields.ts";
import { FRONT_MATTER_FIELDS } from "./groups.ts";
import { IssueList } from "./issues.ts";
import { BLOCK_LANGUAGE } from "./languages.ts";
import { instructionName } from "./naming.ts";
import { printYaml, wordsOf, wordsOfBlock, writtenValue } from "./printYaml.ts";
import { cleanProse } from "./prose.ts";
import { splitBody } from "./structure.ts";

/** Prints the Markdown of a runbook; `parseRunbook` of it gives the same document. */
export function printRunbook(document: RunbookDocument): string {
  const parts = [printFrontMatter(document)];
  let instructions = 0;
  const printList = (blocks: readonly Block[]) => {
    let previous: Block | undefined;
    for (const block of blocks) {
      if (block.kind === "instruction") instructions += 1;
      const unnamed = block.id === instructionName(instructions) && previous?.kind !== "instruction";
      parts.push(printShort(block, unnamed) ?? printYamlBlock(wordsOfBlock(block)));
      previous = block;
    }
  };
  printList(document.blocks);
  if (document.finally) {
    parts.push("<!-- finally -->");
    printList(document.finally);
  }
  return `${parts.join("\n\n")}\n`;
}

/** A block that needs no YAML, as prose or as a fence. @param unnamed its name follows from where it stands, if it is prose */
export function printShort(block: Block, unnamed: boolean): string | undefined {
  return block.kind === "instruction" ? printProse(block, unnamed) : printCommand(block);
}

/** One block as YAML in a fence. @param words its kind and its fields, as they are written */
export function printYamlBlock(words: Readonly<Record<string, unknown>>): string {
  return printFence(BLOCK_LANGUAGE, printYaml(words).replace(/\n$/, ""));
}

function printFrontMatter({ parameters, target, ...others }: RunbookDocument): string {
  const fields = {
    ...others,
    ...(parameters.length > 0 && { parameters }),
    ...((target.pool !== undefined || target.labels) && { target }),
  };
  return `---\n${printYaml(wordsOf(fields, FRONT_MATTER_FIELDS))}---`;
}

/** An instruction as prose, when it has nothing but its text. */
function printProse(block: Extract<Block, { kind: "instruction" }>, unnamed: boolean): string | undefined {
  const { kind: _, id, markdown, ...others } = block;
  if (!isEmpty(others) || !isPlainProse(markdown)) return undefined;
  return unnamed ? markdown : `<!-- name=${id} -->\n\n${markdown}`;
}

/** A command as a fence, when all of it fits there. */
function printCommand(block: Block): string | undefined {
  if (block.kind !== "command" || !isPlainScript(block.script)) return undefined;
  const { kind: _, interpreter, script, ...others } = block;
  if (!FENCE_INTERPRETERS.some((each) => each === interpreter)) return undefined;
  const left = new Map<string, unknown>(Object.entries(others).filter(([, value]) => value !== undefined));
  const attributes: Array<[string, string]> = [];
  for (const { word, key, type } of ATTRIBUTES) {
    const text = left.has(key) ? attributeText(type, writtenValue(type, left.get(key))) : undefined;
    if (text === undefined) continue;
    attributes.push([word, text]);
    left.delete(key);
  }
  return left.size === 0 ? printFence(`${interpreter}${printAttributes(attributes)}`, script) : undefined;
}

function isEmpty(fields: object): boolean {
  return Object.values(fields).every((value) => value === undefined);
}

/** A fence longer than any in the text, of the kind that its info may stand behind. */
function printFence(info: string, text: string): string {
  const mark = info.includes("`") ? "~" : "`";
  const runs = text.match(mark === "`" ? /`{3,}/g : /~{3,}/g) ?? [];
  const fence = mark.repeat(runs.reduce((longest, run) => Math.max(longest, run.length + 1), 3));
  return `${fence}${info}\n${text}\n${fence}`;
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
