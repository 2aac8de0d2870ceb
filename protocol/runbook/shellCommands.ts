/**
 * A shell script as a row of simple commands, for hints to people and for
 * rules that would rather see too much than too little. It is no parser: what
 * keeps a shell busy for a whole manual (case patterns, arrays, arithmetic) is
 * words and separators here. Linear in the length of the script.
 */

export interface ShellCommand {
  /** The words as written, quotes included; assignments and the likes of `sudo` in front are left out. */
  words: readonly string[];
  /** Names that are assigned in front of it, or by it. */
  assigns: readonly string[];
  /** Where it begins: characters from the beginning of the script. */
  at: number;
  /** Its input is the output of the one before. */
  isPiped: boolean;
}

/** White space and continued lines, a separator, or a piece of a word. */
const TOKEN =
  /(?:[^\S\n]|\\\n)+|\|\||&&|(?:\d*|&)>>?[&|]?|<<?<?&?|[;\n|&(){}`]|\$\(|"(?:[^"\\]|\\[\s\S])*(?:"|$)|\\[\s\S]|\$\{[^}\n"]*\}?|[^\s;|&(){}`"\\$<>]+|\$|[\s\S]/gy;
const SEPARATOR = /^(?:\|\||&&|[;\n|&(){}`]|\$\()$/;
const REDIRECTION = /^(?:(?:\d*|&)>>?[&|]?|<<?<?&?)$/;
const ASSIGNMENT = /^([A-Za-z_]\w*)\+?=/;

/** Words that go in front of a command, and change nothing about what it does. */
const PREFIXES = new Set([
  ...["sudo", "doas", "env", "command", "exec", "builtin", "nohup", "time", "nice", "xargs", "!"],
  ...["if", "elif", "then", "else", "while", "until", "do", "export", "local", "readonly", "declare"],
]);

const NESTED_MAX = 8;

/** The commands of a script, those within `$(…)`, backticks and double quotes included. */
export function shellCommands(code: string): ShellCommand[] {
  return [...commandsIn(code, 0, NESTED_MAX)];
}

function* commandsIn(code: string, offset: number, levels: number): Generator<ShellCommand> {
  let words: string[] = [];
  let word = "";
  let at = -1;
  let isPiped = false;
  const endWord = (): void => {
    if (word !== "") words.push(word);
    word = "";
  };
  for (const { 0: token, index } of code.matchAll(TOKEN)) {
    if (/^(?:[^\S\n]|\\\n)/.test(token)) endWord();
    else if (SEPARATOR.test(token)) {
      endWord();
      if (words.length > 0) yield commandOf(words, at, isPiped);
      // A subshell or a line's end right behind a pipe does not end the pipeline.
      if (words.length > 0 || !/^[\n({]$/.test(token)) isPiped = token === "|";
      words = [];
      at = -1;
    } else {
      if (at < 0) at = offset + index;
      if (REDIRECTION.test(token)) {
        endWord();
        words.push(token);
        continue;
      }
      word += token;
      if (token.startsWith('"') && /\$\(|`/.test(token) && levels > 0) {
        yield* commandsIn(token.slice(1, -1), offset + index + 1, levels - 1);
      }
    }
  }
  endWord();
  if (words.length > 0) yield commandOf(words, at, isPiped);
}

function commandOf(written: readonly string[], at: number, isPiped: boolean): ShellCommand {
  const assigns: string[] = [];
  let first = 0;
  for (const word of written) {
    const [, name] = ASSIGNMENT.exec(word) ?? [];
    if (name !== undefined) assigns.push(name);
    // What an option of `sudo` or `env` needs is taken for the command: harmless, for no rule knows it.
    else if (!PREFIXES.has(word) && !(first > 0 && /^-/.test(word))) break;
    first += 1;
  }
  return { words: written.slice(first), assigns, at, isPiped };
}
