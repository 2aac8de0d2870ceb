/**
 * Habits of shell scripts that end badly, by name. Publishing warns of them,
 * and the policy of a host may refuse them. They are found in the text: this is
 * against accidents, and no wall against somebody who wants to hide one.
 */
import { shellCode } from "./shellCode.ts";
import { type ShellCommand, shellCommands } from "./shellCommands.ts";

export const SHELL_DANGERS = [
  "pipe-to-shell",
  "eval",
  "parameter-as-code",
  "rm-root",
  "rm-variable",
  "chmod-777",
  "write-device",
  "mkfs",
  "fork-bomb",
] as const;
export type ShellDangerName = (typeof SHELL_DANGERS)[number];

export interface ShellDanger {
  name: ShellDangerName;
  /** Characters from the beginning of the script. */
  at: number;
  /** What the risk is and what to write instead. */
  message: string;
  /** Ordinary enough that nobody should be warned of it; a policy that names the rule means it all the same. */
  isOrdinary?: boolean;
}

/** What is worth a warning in a script, in the order in which it is written. */
export function shellWarnings(script: string): ShellDanger[] {
  return dangersIn(shellCode(script)).filter(({ isOrdinary }) => !isOrdinary);
}

/**
 * Everything in a script that may be meant by one of the names. Comments,
 * here-documents and quoted text count as well, and quoting hides nothing:
 * this refuses too much rather than too little. Places are approximate.
 */
export function strictShellDangers(script: string): ShellDanger[] {
  const readings = [
    script,
    // What quotes and backslashes tear apart: r''m, e\val.
    script.replaceAll(/\\(?!\n)|['"]/g, ""),
    // What is handed to another shell as text, or stands in a comment.
    script.replaceAll(/['"#]/g, "\n"),
  ];
  return readings.flatMap(dangersIn);
}

interface Script {
  commands: readonly ShellCommand[];
  assigned: ReadonlySet<string>;
  code: string;
}

type Finding = Omit<ShellDanger, "name" | "at">;
type Rule = (command: ShellCommand, index: number, script: Script) => Finding | undefined;

function dangersIn(code: string): ShellDanger[] {
  const commands = shellCommands(code);
  const script = { commands, code, assigned: new Set(commands.flatMap(assignedBy)) };
  const found: ShellDanger[] = commands.flatMap((command, index) =>
    Object.entries(RULES).flatMap(([name, rule]) => {
      const finding = rule(command, index, script);
      return finding ? [{ ...finding, name: name as keyof typeof RULES, at: command.at }] : [];
    }),
  );
  const bomb = FORK_BOMB.exec(code);
  if (bomb) {
    const message = "this function starts itself twice over and for ever, until the host stands still";
    found.push({ name: "fork-bomb", at: bomb.index, message });
  }
  return found.sort((one, other) => one.at - other.at);
}

function assignedBy({ words, assigns }: ShellCommand): readonly string[] {
  if (words[0] === "for" || words[0] === "select") return [...assigns, words[1] ?? ""];
  return words[0] === "read" ? [...assigns, ...words.slice(1)] : assigns;
}

const FORK_BOMB = /([\w:]{1,40})\s{0,5}\(\)\s{0,5}\{[^}]{0,200}?(?<![\w:])\1\s{0,5}\|\s{0,5}\1\s{0,5}&/;
const DOWNLOAD = /^(?:curl|wget|fetch|aria2c)$/;
const INTERPRETER = /^(?:python[\d.]*|perl|ruby|node|php|pwsh)$/;
const SHELL = /^(?:ba|da|k|z|fi)?sh$/;
const PARAMETER = /\$\{?FARHAND_PARAM_/;
const CODE_TAKERS = new Set(["eval", "source", "."]);

const RULES: Record<Exclude<ShellDangerName, "fork-bomb">, Rule> = {
  "pipe-to-shell": (command, index, { commands }) => {
    const message =
      "what is downloaded here runs unread; save it, compare it with a checksum that you know, and run that";
    const before = pipelineBefore(commands, index);
    if (readsProgram(command) && before.some((each) => DOWNLOAD.test(programOf(each)))) return { message };
    // `bash <(curl …)`, `sh -c "$(curl …)"`: the download is a command of its own, behind or within this one.
    const runs = SHELL.test(programOf(command)) || CODE_TAKERS.has(programOf(command));
    const next = commands[index + 1];
    const isInside = command.words.some((word) => /(?:\$\(|`)\s*(?:curl|wget)\b/.test(word));
    const isBehind = command.words.at(-1) === "<" && next !== undefined && DOWNLOAD.test(programOf(next));
    return runs && (isInside || isBehind) ? { message } : undefined;
  },
  eval: ({ words }) => {
    if (words[0] !== "eval") return undefined;
    const message = "eval runs text as code: whoever has a say in that text has one on the host";
    return { message, isOrdinary: !/\$[\w{@*]/.test(words.join(" ").replaceAll(/\$\{?FARHAND_PARAM_/g, "")) };
  },
  "parameter-as-code": ({ words }) => {
    const message =
      "the value of a parameter becomes code here; pass it as data: quoted, and as an argument of a command that is written out";
    const [program = "", ...rest] = words;
    // Between quotes it is one word, and chosen on purpose: a program that people may name.
    if (PARAMETER.test(program) && /^"?\$/.test(program)) {
      return { message, isOrdinary: program.startsWith('"') };
    }
    const code = CODE_TAKERS.has(program)
      ? rest
      : SHELL.test(program)
        ? rest.slice(0, codeOption(rest) + 2)
        : [];
    const takesCode = CODE_TAKERS.has(program) || codeOption(rest) >= 0;
    return takesCode && code.some((word) => PARAMETER.test(word)) ? { message } : undefined;
  },
  "rm-root": ({ words }) => {
    const operand = removedBy(words).find((word) => WHOLE_TREES.test(bareWord(word)));
    if (operand === undefined) return undefined;
    return { message: `this removes everything below ${bareWord(operand)}; name what you mean` };
  },
  "rm-variable": ({ words }, _, { assigned }) => {
    for (const word of removedBy(words)) {
      const [, name = "", rest = ""] = /^\$\{?(\w+)\}?(\/.*)$/.exec(bareWord(word)) ?? [];
      if (name === "" || assigned.has(name) || ALWAYS_SET.has(name)) continue;
      return {
        message: `when ${name} is empty, this removes ${rest}; write "\${${name}:?}${rest}", which stops instead`,
      };
    }
    return undefined;
  },
  "chmod-777": ({ words }) => {
    if (words[0] !== "chmod") return undefined;
    const mode = words.slice(1).find((word) => /^(?:0?777|(?:a|ugo)?[+=]rwx)$/.test(bareWord(word)));
    if (mode === undefined) return undefined;
    return { message: `chmod ${mode} lets every account on the host change this; name who needs what` };
  },
  "write-device": ({ words }) => {
    const target =
      words[0] === "dd" ? words.find((word) => word.startsWith("of=/dev/"))?.slice(3) : undefined;
    const redirected = words.find((_, index) => />/.test(words[index - 1] ?? ""));
    const device = [target, redirected].find((path) => path !== undefined && DISKS.test(bareWord(path)));
    if (device === undefined) return undefined;
    return { message: `this writes over the device ${bareWord(device)} and whatever is on it` };
  },
  mkfs: ({ words }) => {
    if (!/^(?:mkfs(?:\.\w+)?|wipefs|blkdiscard)$/.test(programName(words[0]))) return undefined;
    return { message: `${words[0]} destroys what is on the device; check which one it is first` };
  },
};

/** The whole host, one of its system folders, or somebody's home. */
const WHOLE_TREES =
  /^(?:\/|\/?\*|\/\.|\/(?:bin|boot|dev|etc|home|lib|lib64|opt|root|sbin|srv|usr|var)\/?\*?|(?:~|\$HOME|\$\{HOME\})\/?\*?)$/;
const DISKS = /^\/dev\/(?:sd|hd|vd|xvd|nvme|mmcblk|md|dm-|mapper\/|disk\/|loop)/;
/** Set for every step, or by every shell. */
const ALWAYS_SET = new Set(["HOME", "PWD", "TMPDIR"]);

function removedBy(words: readonly string[]): readonly string[] {
  if (programName(words[0]) !== "rm") return [];
  const isRecursive = words.some((word) => /^(?:-[a-zA-Z]*[rR][a-zA-Z]*|--recursive)$/.test(word));
  return isRecursive ? words.slice(1).filter((word) => !word.startsWith("-")) : [];
}

/** The commands whose output reaches this one. */
function pipelineBefore(commands: readonly ShellCommand[], index: number): readonly ShellCommand[] {
  let first = index;
  // Nobody writes longer ones, and a script of nothing else would be looked at over and over.
  while (commands[first]?.isPiped && index - first < 20) first -= 1;
  return commands.slice(Math.max(0, first), index);
}

function programOf({ words }: ShellCommand): string {
  return programName(words[0]);
}

function programName(word = ""): string {
  return bareWord(word).split("/").at(-1) ?? "";
}

function bareWord(word: string): string {
  return word.replaceAll(/["']/g, "");
}

/** Where among the arguments of a shell `-c` stands, in front of any script; -1 when nowhere. */
function codeOption(words: readonly string[]): number {
  const script = words.findIndex((word) => !/^[-+]/.test(word));
  return words.slice(0, script < 0 ? undefined : script).findIndex((word) => /^-\w*c$/.test(word));
}

/** True for an interpreter that is given no program: it takes its input for one. */
function readsProgram({ words: [word, ...rest] }: ShellCommand): boolean {
  const program = programName(word);
  if (SHELL.test(program)) {
    return (
      codeOption(rest) < 0 &&
      (/^(?:-\w*s\w*|-)$/.test(rest[0] ?? "-") || rest.every((each) => /^-/.test(each)))
    );
  }
  return INTERPRETER.test(program) && rest.every((each) => each === "-");
}
