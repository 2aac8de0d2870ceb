/**
 * The patterns of parameters, in RE2 syntax. They come from anybody and run on
 * a thread that many share: RE2's time grows only with size of program × length
 * of text, and both are bounded here.
 */
import { RE2JS } from "re2js";
import { PATTERN_MAX_CHARACTERS, PATTERNS_MAX_INSTRUCTIONS } from "../limits.ts";

export interface Pattern {
  /** Instructions of the compiled program. */
  size: number;
  /** Whether the whole value matches. */
  matches(value: string): boolean;
  /** Whether any part of the value matches. */
  finds(value: string): boolean;
}

export type CompiledPattern = { ok: true; pattern: Pattern } | { ok: false; problem: string };

/** Compiles a pattern. The problem, where there is one, reads on from "the pattern of … ". */
export function compilePattern(source: string): CompiledPattern {
  if (source.length > PATTERN_MAX_CHARACTERS) {
    return { ok: false, problem: `has over ${PATTERN_MAX_CHARACTERS} characters` };
  }
  // Compiling what is far too large takes a quarter of a second, and a runbook may have many.
  if (expandedSize(source) > 4 * PATTERNS_MAX_INSTRUCTIONS) return { ok: false, problem: TOO_LARGE };
  try {
    const compiled = RE2JS.compile(source);
    const size = compiled.programSize();
    if (size > PATTERNS_MAX_INSTRUCTIONS) return { ok: false, problem: TOO_LARGE };
    return {
      ok: true,
      pattern: {
        size,
        matches: (value) => compiled.testExact(value),
        finds: (value) => compiled.test(value),
      },
    };
  } catch {
    return {
      ok: false,
      problem: "is not a regular expression in RE2 syntax (which has no lookaround and no backreferences)",
    };
  }
}

const TOO_LARGE = `is too large: it has over ${PATTERNS_MAX_INSTRUCTIONS} instructions, where a counted repeat such as {1,63} counts as often as it repeats; use * or +`;

/** Quoted text, an escape, a class of characters, a parenthesis, a counted repeat, or one character. */
const TOKEN =
  /\\Q.*?(?:\\E|$)|\\[xpP]\{[^}]*\}|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|./gsu;

/** How many characters, classes and groups there are when every counted repeat is written out. An estimate. */
function expandedSize(source: string): number {
  const groups: number[] = [];
  let [size, last] = [0, 0];
  for (const [token, least, most] of source.matchAll(TOKEN)) {
    if (token === "(") {
      groups.push(size);
      size = 0;
      last = 0;
    } else if (token === ")") {
      last = size + 1;
      size = (groups.pop() ?? 0) + last;
    } else if (least !== undefined) {
      const repeated = last * Math.max(1, Number(most || least));
      size += repeated - last;
      last = repeated;
    } else {
      last = token.startsWith("\\Q") ? token.length : 1;
      size += last;
    }
  }
  return groups.reduce((sum, outer) => sum + outer, size);
}
