/** What people see of a step that was given neither a name nor a title: its heading, or what its script begins with. */
import type { Draft } from "./readFields.ts";
import type { Heading } from "./structure.ts";

const TITLE_MAX = 60;

/** Gives titles to those that need one. @param drafts the top level, in the order of the page, before they are named */
export function addTitles(drafts: readonly Draft[]): void {
  const steps = drafts.filter(({ block }) => block.kind !== "instruction");
  for (const [heading, group] of Map.groupBy(steps, (step) => step.heading)) {
    const taken = new Set<string>();
    for (const [index, { block }] of group.entries()) {
      if (block.id !== undefined || block.title !== undefined) continue;
      const title = titleOf(block, heading, group.length > 1 ? index + 1 : undefined, taken);
      if (title === undefined) continue;
      taken.add(title);
      block.title = title;
    }
  }
}

/** @param number which of several steps below its heading it is */
function titleOf(
  block: Draft["block"],
  heading: Heading | undefined,
  number: number | undefined,
  taken: ReadonlySet<string>,
): string | undefined {
  if (heading && number === undefined) return shorten(heading.text);
  const line = block.kind === "command" ? firstWords(String(block.script)) : undefined;
  if (line !== undefined && !taken.has(line)) return line;
  return heading && `${shorten(heading.text)} ${number}`;
}

/** The first line of a script that says something: a comment in words, or a command. */
function firstWords(script: string): string | undefined {
  for (const line of script.split("\n")) {
    const text = line.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
    const comment = /^#+ ?(\p{L}.*)/u.exec(text)?.[1];
    if (comment !== undefined && !comment.startsWith("shellcheck ")) return shorten(comment);
    if (text !== "" && !/^(?:#|set [-+])/.test(text)) return shorten(text);
  }
  return undefined;
}

function shorten(text: string): string {
  if (text.length <= TITLE_MAX) return text;
  return `${text
    .slice(0, TITLE_MAX - 1)
    .trimEnd()
    .replace(/[\uD800-\uDBFF]$/, "")}…`;
}
