/**
 * Expressions in CEL (https://cel.dev), over data only: no loops but over
 * given lists, no I/O, no clock. The library interprets them without `eval`,
 * which the platform forbids, and knows limits on their size.
 */
import { type ASTNode, Environment, EvaluationError, ParseError } from "@marcbachmann/cel-js";
// RE2 in the place of the library's own regular expressions: a pattern comes from anybody.
import { RE2JS } from "re2js";
import { EXPRESSION_MAX_LENGTH } from "./limits.ts";

/** How deep `map`, `filter` and the like may lie in each other: each level multiplies the work. */
const LOOPS_MAX = 2;
const PATTERN_MAX_LENGTH = 200;
const MATCHED_MAX_LENGTH = 4_096;
const CACHE_MAX = 1_000;

/** What expressions may speak of. `item` and `index` only mean something inside a `foreach`. */
export const EXPRESSION_NAMES = ["params", "steps", "item", "index", "agent", "execution"] as const;
export type ExpressionScope = Record<(typeof EXPRESSION_NAMES)[number], unknown>;

/** Why an expression has no result, in words for the person who wrote it. */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
}

export interface Expression {
  /** The names of the steps that it looks at. */
  readonly steps: readonly string[];
  /** The parameters that it looks at by name. */
  readonly params: readonly string[];
  /** True when it looks at the item or the index of a `foreach`. */
  readonly usesItem: boolean;
  /**
   * The result as JSON. Whole numbers of the scope are integers to CEL.
   * @throws ExpressionError
   */
  evaluate(scope: ExpressionScope): unknown;
}

const environment = new Environment({
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: 500, maxDepth: 50, maxListElements: 200, maxMapEntries: 100, maxCallArguments: 16 },
})
  .registerVariable("params", "map")
  .registerVariable("steps", "map")
  .registerVariable("item", "dyn")
  .registerVariable("index", "int")
  .registerVariable("agent", "map")
  .registerVariable("execution", "map")
  .registerFunction("string.matchesRe2(string): bool", (text: string, pattern: string) =>
    matches(text, pattern),
  );

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
  const program = guarded(() => environment.parse(text));
  const found = { steps: new Set<string>(), params: new Set<string>(), usesItem: false };
  visit(program.ast, found);
  if (loopsOf(program.ast) > LOOPS_MAX) {
    throw new ExpressionError(`map, filter and the like may lie at most ${LOOPS_MAX} deep in each other`);
  }
  const check = guarded(() => program.check());
  if (check.error) throw explained(check.error);
  return {
    steps: [...found.steps],
    params: [...found.params],
    usesItem: found.usesItem,
    evaluate: (scope) => guarded(() => toJson(program(toCel(scope) as Record<string, unknown>))),
  };
}

/** Walks the tree, notes the names it uses, and puts RE2 in the place of the library's `matches`. */
function visit(node: ASTNode, found: { steps: Set<string>; params: Set<string>; usesItem: boolean }): void {
  if (node.op === "rcall" && node.args[0] === "matches") node.args[0] = "matchesRe2";
  if (node.op === "id" && (node.args === "item" || node.args === "index")) found.usesItem = true;
  const member = memberOf(node);
  if (member?.of === "params") found.params.add(member.name);
  if (member?.of === "steps") found.steps.add(member.name);
  for (const child of childrenOf(node)) visit(child, found);
}

/** `of.name` and `of["name"]`. Steps by a name that is worked out would be known only at run time. */
function memberOf(node: ASTNode): { of: string; name: string } | undefined {
  if (node.op !== "." && node.op !== ".?" && node.op !== "[]" && node.op !== "[?]") return undefined;
  const [receiver, key] = node.args;
  if (receiver.op !== "id") return undefined;
  if (typeof key === "string") return { of: receiver.args, name: key };
  if (key.op === "value" && typeof key.args === "string") return { of: receiver.args, name: key.args };
  if (receiver.args === "steps")
    throw new ExpressionError('steps are named as they stand: steps.check or steps["disk-check"]');
  return undefined;
}

function loopsOf(node: ASTNode): number {
  const inside = Math.max(0, ...[...childrenOf(node)].map(loopsOf));
  const isLoop =
    node.op === "rcall" && ["map", "filter", "all", "exists", "exists_one"].includes(node.args[0]);
  return inside + (isLoop ? 1 : 0);
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
  try {
    return RE2JS.compile(pattern).matcher(text).find();
  } catch {
    throw new ExpressionError(`"${pattern}" is not a regular expression in RE2 syntax`);
  }
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
    return new ExpressionError(error.summary);
  const words = error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : "it cannot be worked out";
  return new ExpressionError(words);
}

/** Whole numbers become CEL's int, so that `params.count + 1` is what it looks like. */
function toCel(value: unknown): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toCel(each)]));
  }
  return value;
}

function toJson(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new ExpressionError("the result is a number beyond ±2^53");
    return number;
  }
  if (typeof value === "number" && !Number.isFinite(value))
    throw new ExpressionError("the result is no finite number");
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, each]) => [String(key), toJson(each)]));
  if (value instanceof Date) return value.toISOString();
  if (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toJson(each)]));
  }
  throw new ExpressionError("the result is neither text, number, true or false, list nor map");
}
