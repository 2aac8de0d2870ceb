/**
 * Expressions in CEL (https://cel.dev), over data only: no loops but over
 * given lists, no I/O, no clock. The library interprets them without `eval`,
 * which the platform forbids, and knows limits on their size.
 */
import { type ASTNode, Environment, EvaluationError, ParseError } from "@marcbachmann/cel-js";
import { charge, checkBudget, meter, startBudget } from "./expressionBudget.ts";
import {
  DATA_DEPTH_MAX,
  EXPRESSION_DATA_MAX,
  EXPRESSION_TEXT_MAX,
  ExpressionError,
} from "./expressionLimits.ts";
import { EXPRESSION_MAX_LENGTH } from "./limits.ts";
// RE2 in the place of the library's own regular expressions: a pattern comes from anybody.
import { compilePattern } from "./runbook/patterns.ts";

export { ExpressionError } from "./expressionLimits.ts";

/** How deep `map`, `filter` and the like may lie in each other: each level multiplies the work. */
const LOOPS_MAX = 2;
const PATTERN_MAX_LENGTH = 200;
const MATCHED_MAX_LENGTH = 4_096;
/** Of work, for each instruction of a compiled pattern: reading it, and looking at one character. */
const COMPILE_UNITS = 20;
const MATCH_UNITS = 0.2;
const CACHE_MAX = 1_000;

/** Inside of the library only: the parameters, with null for those that were left empty. */
const PARAMS_OR_NULL = "paramsOrNull";

/** What expressions may speak of. `item` and `index` only mean something inside a `foreach`. */
export const EXPRESSION_NAMES = ["params", "steps", "item", "index", "agent", "execution"] as const;
export type ExpressionScope = Record<(typeof EXPRESSION_NAMES)[number], unknown>;

export interface Expression {
  /** The names of the steps that it looks at. */
  readonly steps: readonly string[];
  /** Every part of the scope that it looks at, by its names: `params`, `size` or `steps`, `check`, `outputs`. */
  readonly members: readonly (readonly string[])[];
  /** Members that stand beside a number, as in `steps.a.outputs.n > 3`, and what that number comes from when it is a member too. */
  readonly besideNumbers: readonly { member: readonly string[]; number?: readonly string[] }[];
  /** What its result is known to be before it is worked out, in CEL's words: `bool`, `list<int>`; `dyn` when it is not. */
  readonly type: string;
  /**
   * The result as JSON. Whole numbers of the scope are integers to CEL. A
   * parameter that is not in the scope was left empty: it is null, and `has`
   * says that it is not there.
   * @throws ExpressionError
   */
  evaluate(scope: ExpressionScope): unknown;
}

/** What a result looks like as text: text as it is, anything else as JSON. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** True when its result depends on which agent is at hand. */
export function looksAtAgent({ members }: Expression): boolean {
  return members.some(([root]) => root === "agent");
}

let made: Environment | undefined;

/** Made for the first expression: many agents never see one. */
function environment(): Environment {
  made ??= new Environment({
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: {
      maxAstNodes: 500,
      maxDepth: 50,
      maxListElements: 200,
      maxMapEntries: 100,
      maxCallArguments: 16,
    },
  })
    .registerVariable("params", "map")
    .registerVariable(PARAMS_OR_NULL, "map")
    .registerVariable("steps", "map")
    .registerVariable("item", "dyn")
    .registerVariable("index", "int")
    .registerVariable("agent", "map")
    .registerVariable("execution", "map")
    .registerFunction("string.matchesRe2(string): bool", (text: string, pattern: string) =>
      matches(text, pattern),
    )
    .registerFunction("json(string): dyn", fromJson);
  return made;
}

const cache = new Map<string, Expression>();

/**
 * Reads an expression; each text is read once.
 * @throws ExpressionError when it is not CEL, speaks of unknown names, or is too large
 */
export function parseExpression(text: string): Expression {
  const known = cache.get(text);
  if (known) return known;
  const expression = compile(text);
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(text, expression);
  return expression;
}

function compile(text: string): Expression {
  if (text.length > EXPRESSION_MAX_LENGTH) {
    throw new ExpressionError(`an expression may have at most ${EXPRESSION_MAX_LENGTH} characters`);
  }
  refuseNames(text);
  const program = guarded(() => environment().parse(text));
  const seen: Seen = { members: [], besideNumbers: [] };
  visit(program.ast, new Set(EXPRESSION_NAMES), seen);
  const { members, besideNumbers } = seen;
  if (loopsOf(program.ast) > LOOPS_MAX) {
    throw new ExpressionError(`map, filter and the like may lie at most ${LOOPS_MAX} deep in each other`);
  }
  const check = guarded(() => program.check());
  if (check.error) throw explained(check.error);
  meter(program.ast, childrenOf);
  return {
    steps: [
      ...new Set(members.flatMap(([root, name]) => (root === "steps" && name !== undefined ? [name] : []))),
    ],
    members,
    besideNumbers,
    type: String(check.type),
    evaluate: (scope) =>
      guarded(() => {
        startBudget();
        const result = program(new ToCel().scope(withNulls(scope, members)));
        checkBudget();
        return new ToJson().value(result);
      }),
  };
}

function withNulls(scope: ExpressionScope, members: Expression["members"]): Record<string, unknown> {
  const names = members.flatMap(([root, name]) =>
    root === "params" && name !== undefined ? [[name, null]] : [],
  );
  return { ...scope, [PARAMS_OR_NULL]: { ...Object.fromEntries(names), ...Object(scope.params) } };
}

/** Names that would be read as something else than was meant. */
function refuseNames(text: string): void {
  const code = text.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/gs, "''");
  if (code.includes(PARAMS_OR_NULL)) throw new ExpressionError(`Unknown variable: ${PARAMS_OR_NULL}`);
  const [, name] = /(?<![\w.])steps\.(\w+(?:-\w+)+)/.exec(code) ?? [];
  if (name === undefined) return;
  throw new ExpressionError(`a name with hyphens stands in brackets: write steps["${name}"]`);
}

interface Seen {
  members: string[][];
  besideNumbers: { member: readonly string[]; number?: readonly string[] }[];
}

/**
 * Walks the tree, notes what it looks at, puts RE2 in the place of the
 * library's `matches`, and null in the place of parameters that were left
 * empty. @param names those of the scope that no loop has given another meaning
 */
function visit(node: ASTNode, names: ReadonlySet<string>, seen: Seen): void {
  if (node.op === "rcall" && node.args[0] === "matches") node.args[0] = "matchesRe2";
  noteNumbers(node, names, seen);
  const member = memberOf(node);
  if (member && names.has(member.path[0] ?? "")) {
    seen.members.push(member.path);
    if (member.path[0] === "params") orNull(node);
    // What is worked out inside of brackets is looked at on its own.
    for (const key of keysOf(node)) visit(key, names, seen);
    return;
  }
  const [tested] = node.op === "call" && node.args[0] === "has" ? node.args[1] : [];
  const testedMember = tested && memberOf(tested);
  if (testedMember && names.has(testedMember.path[0] ?? "")) {
    // As it is: what was left empty is not there.
    seen.members.push(testedMember.path);
    return;
  }
  if (node.op === "rcall" && isLoop(node)) {
    const [, list, [variable, ...body]] = node.args;
    visit(list, names, seen);
    const inside = new Set([...names].filter((name) => variable?.op !== "id" || name !== variable.args));
    for (const each of body) visit(each, inside, seen);
    return;
  }
  for (const child of childrenOf(node)) visit(child, names, seen);
}

/** Takes `params.a` from where there is null for what was left empty; `params.?a` knows that itself. */
function orNull(node: ASTNode): void {
  if (node.op !== "." && node.op !== ".?" && node.op !== "[]" && node.op !== "[?]") return;
  const [receiver] = node.args;
  if (receiver.op !== "id") orNull(receiver);
  else if (node.op === "." || (node.op === "[]" && node.args[1].op === "value")) {
    node.args[0] = environment().parse(PARAMS_OR_NULL).ast;
  }
}

const WITH_NUMBERS = ["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"];

/** Notes members that stand on one side of an operator with a number, or another member, on its other side. */
function noteNumbers(node: ASTNode, names: ReadonlySet<string>, { besideNumbers }: Seen): void {
  if (!WITH_NUMBERS.includes(node.op)) return;
  const [left, right] = [...childrenOf(node)];
  if (!left || !right) return;
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const) {
    const member = memberOf(one);
    const number = memberOf(other);
    if (!member?.isOpen || !names.has(member.path[0] ?? "") || !(number?.isOpen || isNumber(other))) continue;
    besideNumbers.push({ member: member.path, ...(number && { number: number.path }) });
  }
}

function isNumber(node: ASTNode): boolean {
  if (node.op === "-_") return isNumber(node.args);
  if (node.op === "call") return ["int", "double", "size"].includes(node.args[0]);
  return node.op === "value" && (typeof node.args === "bigint" || typeof node.args === "number");
}

interface Member {
  path: string[];
  /** False once a key is worked out: what follows is no part of the path. */
  isOpen: boolean;
}

/** `a.b["c"]` as its names. Steps by a name that is worked out would be known only at run time. */
function memberOf(node: ASTNode): Member | undefined {
  if (node.op === "id") return { path: [node.args], isOpen: true };
  if (node.op !== "." && node.op !== ".?" && node.op !== "[]" && node.op !== "[?]") return undefined;
  const [receiver, key] = node.args;
  const member = memberOf(receiver);
  if (!member?.isOpen) return member;
  const name = typeof key === "string" ? key : key.op === "value" ? key.args : undefined;
  if (typeof name === "string") return { path: [...member.path, name], isOpen: true };
  if (receiver.op === "id" && receiver.args === "steps")
    throw new ExpressionError('steps are named as they stand: steps.check or steps["disk-check"]');
  return { ...member, isOpen: false };
}

/** The nodes in the brackets of `a[b].c[d]`. */
function* keysOf(node: ASTNode): Generator<ASTNode> {
  if (node.op !== "." && node.op !== ".?" && node.op !== "[]" && node.op !== "[?]") return;
  const [receiver, key] = node.args;
  yield* keysOf(receiver);
  if (typeof key !== "string") yield key;
}

function isLoop(node: ASTNode): boolean {
  return node.op === "rcall" && ["map", "filter", "all", "exists", "exists_one"].includes(node.args[0]);
}

function loopsOf(node: ASTNode): number {
  const inside = Math.max(0, ...[...childrenOf(node)].map(loopsOf));
  return inside + (isLoop(node) ? 1 : 0);
}

function* childrenOf(node: ASTNode): Generator<ASTNode> {
  yield* nodesIn(node.args);
}

function* nodesIn(value: unknown): Generator<ASTNode> {
  if (Array.isArray(value)) for (const each of value) yield* nodesIn(each);
  else if (typeof value === "object" && value !== null && "op" in value && "args" in value)
    yield value as ASTNode;
}

function matches(text: string, pattern: string): boolean {
  if (pattern.length > PATTERN_MAX_LENGTH || text.length > MATCHED_MAX_LENGTH) {
    throw new ExpressionError(
      `matches takes patterns up to ${PATTERN_MAX_LENGTH} and texts up to ${MATCHED_MAX_LENGTH} characters`,
    );
  }
  const compiled = compilePattern(pattern);
  if (!compiled.ok) throw new ExpressionError(`the pattern "${pattern}" ${compiled.problem}`);
  const { size, finds } = compiled.pattern;
  charge(size * (COMPILE_UNITS + text.length * MATCH_UNITS));
  return finds(text);
}

function fromJson(text: string): unknown {
  charge(text.length);
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new ExpressionError("json() was given a text that is not JSON");
  }
  return new ToCel().value(data);
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof ExpressionError ? error : explained(error);
  }
}

function explained(error: unknown): ExpressionError {
  const cause = error instanceof Error && error.cause instanceof ExpressionError ? error.cause : error;
  if (cause instanceof ExpressionError) return cause;
  if (error instanceof EvaluationError || error instanceof ParseError)
    return new ExpressionError(plain(error.summary));
  const words = error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : "it cannot be worked out";
  return new ExpressionError(words);
}

const NUMBER = "(?:dyn<)?(?:u?int|double)>?";
const TEXT = "(?:dyn<)?string>?";
const TEXT_AND_NUMBER = new RegExp(`^no such overload: (?:${TEXT} \\S+ ${NUMBER}|${NUMBER} \\S+ ${TEXT})$`);

/** What the library says of mistakes that everybody makes, in words that lead on. */
function plain(summary: string): string {
  if (TEXT_AND_NUMBER.test(summary)) {
    return `text and a number do not go together; outputs of scripts are text: write int(…) around them, as in int(steps.a.outputs.n) > 3 (${summary})`;
  }
  const [, conversion] = /^(int|double)\(\) type error/.exec(summary) ?? [];
  if (conversion === undefined) return summary;
  return `${conversion}() was given a text that is no ${conversion === "int" ? "whole " : ""}number`;
}

/** Data on its way into CEL: whole numbers become its int, so that `params.count + 1` is what it looks like. */
class ToCel {
  #left = EXPRESSION_DATA_MAX;

  scope(scope: Record<string, unknown>): Record<string, unknown> {
    return Object.fromEntries(Object.entries(scope).map(([name, value]) => [name, this.value(value)]));
  }

  value(value: unknown, depth = 1): unknown {
    if (this.#left-- <= 0) {
      throw new ExpressionError(`the data that it looks at has over ${EXPRESSION_DATA_MAX} values`);
    }
    if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
    if (typeof value !== "object" || value === null) return value;
    if (depth > DATA_DEPTH_MAX) throw tooDeep("data");
    if (Array.isArray(value)) return value.map((each) => this.value(each, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.value(each, depth + 1)]));
  }
}

function tooDeep(what: string): ExpressionError {
  return new ExpressionError(`its ${what} is nested deeper than ${DATA_DEPTH_MAX} levels`);
}

/** A result on its way out. The same text may stand in it many times, and each of them counts. */
class ToJson {
  #left = EXPRESSION_TEXT_MAX;

  value(value: unknown, depth = 0): unknown {
    this.#spend(typeof value === "string" ? value.length : 1);
    if (typeof value === "bigint") {
      const number = Number(value);
      if (!Number.isSafeInteger(number)) throw new ExpressionError("the result is a number beyond ±2^53");
      return number;
    }
    if (typeof value === "number" && !Number.isFinite(value))
      throw new ExpressionError("the result is no finite number");
    if (value === null || typeof value !== "object") return value;
    if (depth > DATA_DEPTH_MAX) throw tooDeep("result");
    if (Array.isArray(value)) return value.map((each) => this.value(each, depth + 1));
    if (value instanceof Map) return this.#map(value, depth);
    if (value instanceof Date) return value.toISOString();
    if (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null) {
      return this.#map(Object.entries(value), depth);
    }
    throw new ExpressionError("the result is neither text, number, true or false, list nor map");
  }

  #map(entries: Iterable<[unknown, unknown]>, depth: number): Record<string, unknown> {
    return Object.fromEntries(
      [...entries].map(([key, each]) => {
        const name = String(key);
        this.#spend(name.length);
        return [name, this.value(each, depth + 1)];
      }),
    );
  }

  #spend(characters: number): void {
    this.#left -= characters;
    if (this.#left >= 0) return;
    throw new ExpressionError(`the result has over ${EXPRESSION_TEXT_MAX / 1024} Ki characters`);
  }
}
