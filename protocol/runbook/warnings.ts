/** What in a script hardly means what a shell makes of it (prompts, placeholders), and what ends badly. */
import type { ProblemIssue } from "../errors.ts";
import { IssueList } from "./issues.ts";
import { interpreterOf } from "./languages.ts";
import { shellCode } from "./shellCode.ts";
import { shellWarnings } from "./shellDanger.ts";
import type { Fence, Piece } from "./structure.ts";

const ADVICE = "take the prompts away, or write the fence as `console`, which is shown and not run";

/** `$ `, `user@host:~$ `, `[user@host dir]# `, each behind the name of an environment in parentheses. */
const PROMPT = /^\s*(?:\([\w.-]+\) ?)?(?:\[?[\w.-]+@[\w.-]+(?::[^\s$#]*| [^\s$#\]]+)?\]?[$#]|\$)(?= |$)/;

/** Whole words only: a redirection to and from files has one side that is none. */
const PLACEHOLDER =
  /(?<=^|\s)<([A-Za-z][\w-]*)>(?=$|[\s;|&)])|(?<=[=:/@.,-])<([A-Za-z][\w-]*)>(?=$|[\s;|&):/@.,-])|\{\{ ?([A-Za-z][\w-]*) ?\}\}/g;

/** Words of templates that are no names. */
const TEMPLATE_WORDS = ["end", "else"];

/** Warnings about the shell scripts of a page. They are about fences as they are written. */
export function scriptWarnings(pieces: readonly Piece[]): ProblemIssue[] {
  const warnings = new IssueList();
  for (const piece of pieces) {
    if (piece.type !== "fence") continue;
    const interpreter = interpreterOf(piece.info);
    if (interpreter !== "bash" && interpreter !== "sh") continue;
    warnOfPrompts(piece, warnings);
    warnOfPlaceholders(piece, warnings);
    warnOfDangers(piece, warnings);
  }
  return warnings.list();
}

function warnOfPrompts(fence: Fence, warnings: IssueList): void {
  const lines = fence.content.split("\n");
  const written = lines.filter((line) => line.trim() !== "");
  if (written.length > 0 && written.every((line) => /^\s*# /.test(line))) {
    const said = "every line here begins with #, so nothing runs; if those are prompts,";
    warnings.add(placeOf(fence, lines, /\S/), `${said} ${ADVICE}`);
    return;
  }
  const code = shellCode(fence.content).split("\n");
  if (!code.some((line) => PROMPT.test(line))) return;
  warnings.add(placeOf(fence, code, PROMPT), `this line begins with a prompt; ${ADVICE}`);
}

/** Where the text of the first line begins that this fits. */
function placeOf(fence: Fence, lines: readonly string[], pattern: RegExp) {
  const index = lines.findIndex((line) => pattern.test(line));
  const line = lines[index] ?? "";
  return fence.place(index + 1, line.length - line.trimStart().length + 1);
}

function warnOfPlaceholders(fence: Fence, warnings: IssueList): void {
  const told = new Set<string>();
  for (const [index, line] of shellCode(fence.content).split("\n").entries()) {
    for (const match of line.matchAll(PLACEHOLDER)) {
      const [written] = match;
      const name = match[1] ?? match[2] ?? match[3] ?? "";
      if (told.has(name) || TEMPLATE_WORDS.includes(name)) continue;
      told.add(name);
      const variable = `$FARHAND_PARAM_${name.replaceAll("-", "_").toUpperCase()}`;
      const message = `${written} looks like a placeholder; make it a parameter and write "${variable}"`;
      warnings.add(fence.place(index + 1, match.index + 1), message);
    }
  }
}

function warnOfDangers(fence: Fence, warnings: IssueList): void {
  for (const { at, name, message } of shellWarnings(fence.content)) {
    const before = fence.content.slice(0, at).split("\n");
    warnings.add(fence.place(before.length, (before.at(-1) ?? "").length + 1), `${message} (${name})`);
  }
}
