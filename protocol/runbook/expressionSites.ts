/** Where a block has expressions. */
import type { Value } from "../blocks/common.ts";
import type { Block } from "../blocks/index.ts";

export interface ExpressionSite {
  /** Where in the block. */
  path: readonly PropertyKey[];
  text: string;
  /** What its result has to be. */
  gives: "bool" | "list" | "anything";
}

/** The expressions of a block itself, without those of the blocks inside it. */
export function expressionsOf(block: Block): ExpressionSite[] {
  const sites = ownExpressions(block);
  if (block.when === undefined) return sites;
  return [{ path: ["when"], text: block.when, gives: "bool" }, ...sites];
}

function ownExpressions(block: Block): ExpressionSite[] {
  switch (block.kind) {
    case "command":
      return [...valuesAt("env", block.env), ...valueAt(["stdin"], block.stdin)];
    case "api":
      return [
        ...valueAt(["url"], block.url),
        ...valuesAt("query", block.query),
        ...valuesAt("headers", block.headers),
        ...valueAt(["body"], block.body),
      ];
    case "condition":
      return [{ path: ["if"], text: block.if, gives: "bool" }];
    case "timer":
      return valueAt(["until"], block.until);
    case "foreach":
      return block.items === undefined ? [] : [{ path: ["items"], text: block.items, gives: "list" }];
    case "runbook":
      return valuesAt("parameters", block.parameters);
    case "instruction":
    case "approval":
    case "parallel":
      return [];
    default:
      return block satisfies never;
  }
}

function valuesAt(key: string, values: Readonly<Record<string, unknown>> = {}): ExpressionSite[] {
  return Object.entries(values).flatMap(([name, value]) => valueAt([key, name], value));
}

function valueAt(path: readonly PropertyKey[], value: unknown): ExpressionSite[] {
  return isExpression(value) ? [{ path: [...path, "expr"], text: value.expr, gives: "anything" }] : [];
}

function isExpression(value: unknown): value is Exclude<Value, string> {
  return typeof value === "object" && value !== null && "expr" in value;
}
