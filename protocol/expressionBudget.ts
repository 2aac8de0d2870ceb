/**
 * What one evaluation of an expression may cost. The library limits the size of
 * an expression, not its work: a few characters can go over a list for each of
 * its elements, or put a text together that is thousands of times as long as
 * what it is made of. So every operation is charged before it is done, by the
 * size of what it is given. One unit stands for about 50 ns on a slow machine.
 */
import type { ASTNode } from "@marcbachmann/cel-js";
import {
  DATA_DEPTH_MAX,
  EXPRESSION_TEXT_MAX,
  EXPRESSION_WORK_MAX,
  ExpressionError,
} from "./expressionLimits.ts";

const CHARACTERS_PER_UNIT = 32;
/** Searching for a text in another may compare each character of one with each of the other. */
const COMPARISONS_PER_UNIT = 256;
/** A failure is an object with a stack, also where the expression goes on after it. */
const FAILURE = 200;
/** Times in a time zone go through the platform's tables. */
const TIME_ZONE = 4_000;

const SEARCHES = new Set(["contains", "indexOf", "lastIndexOf", "split"]);

/** The evaluation that goes on now; expressions are worked out one after the other, without pauses. */
let current = newBudget();

interface Budget {
  left: number;
  /** Of data that was measured already; it never changes meanwhile. */
  sizes: WeakMap<object, number>;
  /** Made once: what is over its budget may fail a thousand times more before it ends. */
  spent: ExpressionError | undefined;
}

function newBudget(): Budget {
  return { left: EXPRESSION_WORK_MAX, sizes: new WeakMap(), spent: undefined };
}

/** Begins an evaluation. */
export function startBudget(): void {
  current = newBudget();
}

/** @throws ExpressionError once the evaluation has cost too much, and then always */
export function charge(units: number): void {
  current.left -= units;
  if (current.left >= 0) return;
  current.left = Number.NEGATIVE_INFINITY;
  current.spent ??= new ExpressionError(
    "it takes too much work: go over shorter lists and texts, or over one of them at a time",
  );
  throw current.spent;
}

/** An evaluation that is over its budget has no result, whatever came of going on. */
export function checkBudget(): void {
  if (current.spent) throw current.spent;
}

/** Has every operation of a tree charge for what it does. To be called once its types are checked. */
export function meter(node: ASTNode, children: (node: ASTNode) => Iterable<ASTNode>): void {
  wrap(node, (operands) => charge(costOf(node, operands)));
  const loop: unknown = Reflect.get(Object(Reflect.get(node, "meta")), "alternate");
  if (typeof loop === "object" && loop !== null && Reflect.get(loop, "op") === "comprehension") {
    const body = countOf(node, children);
    wrap(loop, ([items]) => charge((1 + lengthOf(items)) * body));
  }
  for (const child of children(node)) meter(child, children);
}

/** `handle` is what the library calls with the operands of a node, once they are worked out. */
function wrap(node: object, before: (operands: unknown[]) => void): void {
  const handle: unknown = Reflect.get(node, "handle");
  if (typeof handle !== "function") return;
  Reflect.set(node, "handle", (...operands: unknown[]) => {
    before(operands);
    try {
      return Reflect.apply(handle, undefined, operands);
    } catch (error) {
      charge(FAILURE);
      throw error;
    }
  });
}

function countOf(node: ASTNode, children: (node: ASTNode) => Iterable<ASTNode>): number {
  let count = 1;
  for (const child of children(node)) count += countOf(child, children);
  return count;
}

function costOf(node: ASTNode, [first, second]: unknown[]): number {
  switch (node.op) {
    case "call":
    case "rcall":
      return Array.isArray(first) ? costOfCall(node.args[0], first) : 1;
    case "+":
      checkText(textLength(first) + textLength(second));
      return 2 + lengthOf(first) + lengthOf(second) + (sizeOf(first) + sizeOf(second)) / 8;
    case ".":
    case ".?":
    case "[]":
    case "[?]":
    case "?:":
      return 1;
    case "!_":
    case "-_":
      return 1 + sizeOf(first);
    default:
      return 2 + sizeOf(first) + sizeOf(second);
  }
}

function costOfCall(name: string, operands: unknown[]): number {
  const [first, second] = operands;
  const size = operands.reduce((sum: number, each) => sum + sizeOf(each), 2);
  if (SEARCHES.has(name)) {
    const made = name === "split" ? textLength(first) : 0;
    return size + made + (textLength(first) * textLength(second)) / COMPARISONS_PER_UNIT;
  }
  if (name === "join" && Array.isArray(first)) {
    const between = textLength(second) * first.length;
    checkText(first.reduce((sum: number, each) => sum + textLength(each), between));
  }
  // Code points are counted one by one.
  if (name === "size") return size + textLength(first) / 8;
  if (name.startsWith("get") && operands.length > 1) return size + TIME_ZONE;
  return size;
}

/** @throws ExpressionError for a text that is too long to be made */
function checkText(length: number): void {
  if (length > EXPRESSION_TEXT_MAX) {
    throw new ExpressionError(`a text in it would have over ${EXPRESSION_TEXT_MAX / 1024} Ki characters`);
  }
}

function textLength(value: unknown): number {
  if (typeof value === "string") return value.length;
  // Written as text, a byte takes up to two characters.
  return value instanceof Uint8Array ? value.length : 0;
}

function lengthOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  return typeof value === "object" && value !== null ? Object.keys(value).length : 0;
}

/** What it costs to go through all of a value; data that stands in it twice counts twice. */
function sizeOf(value: unknown, depth = 0): number {
  if (typeof value === "string") return 1 + value.length / CHARACTERS_PER_UNIT;
  if (value instanceof Uint8Array) return 1 + value.length / CHARACTERS_PER_UNIT;
  if (typeof value !== "object" || value === null) return 1;
  if (depth > DATA_DEPTH_MAX) return Number.POSITIVE_INFINITY;
  const known = current.sizes.get(value);
  if (known !== undefined) return known;
  let size = 1;
  const parts = value instanceof Map ? value.values() : Object.values(value);
  for (const part of parts) size += sizeOf(part, depth + 1);
  current.sizes.set(value, size);
  // Measured once, but that was work, too.
  charge(lengthOf(value));
  return size;
}
