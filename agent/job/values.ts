/**
 * The texts of a block's values, for one attempt: what the plan says, and what
 * came with the start for those that are expressions there. Data goes nowhere
 * else: a control plane cannot put anything in the place of what was planned
 * (promise S13). Pure.
 */
import type { SentValue } from "#protocol/blocks/api.ts";
import type { Value } from "#protocol/blocks/common.ts";
import type { ApiBlock, Block, CommandBlock } from "#protocol/blocks/index.ts";
import type { StepInputs } from "#protocol/data.ts";
import { blockAt } from "#protocol/paths.ts";
import type { Plan } from "#protocol/plan.ts";

/** What an agent carries out. */
export type AgentBlock = CommandBlock | ApiBlock;

/** The block that a step of this plan stands for, when it is one for agents. */
export function agentBlockAt(plan: Plan | undefined, step: string): AgentBlock | undefined {
  const block = plan && blockAt(plan, step);
  return block && isAgentBlock(block) ? block : undefined;
}

export function isAgentBlock(block: Block): block is AgentBlock {
  return block.kind === "command" || block.kind === "api";
}

/** By place in the block, such as `env/VERSION` or `stdin`. */
export type Texts = ReadonlyMap<string, string>;

export type Settled = { ok: true; texts: Texts } | { ok: false; code: string; detail: string };

/** Joins a plan's values with the inputs of an attempt; refuses inputs that are missing, or that the plan has no place for. */
export function settleValues(block: AgentBlock, inputs: StepInputs = {}): Settled {
  const texts = new Map<string, string>();
  const given = new Map(Object.entries(inputs));
  for (const [place, value] of placesOf(block)) {
    const text = typeof value === "string" ? value : given.get(place);
    if (text === undefined) return refuse("missing_input", `the result of the expression at "${place}"`);
    if (typeof value !== "string") given.delete(place);
    if (place.startsWith(ENV) && text.includes("\0")) {
      const detail = `the value at "${place}" has a NUL character, which an environment cannot carry`;
      return { ok: false, code: "bad_input", detail };
    }
    texts.set(place, text);
  }
  const [stranger] = given.keys();
  return stranger === undefined ? { ok: true, texts } : refuse("unexpected_input", `"${stranger}"`);
}

/** The environment among the texts of a command. */
export function environmentOf(texts: Texts): Record<string, string> {
  const own = Array.from(texts).filter(([place]) => place.startsWith(ENV));
  return Object.fromEntries(own.map(([place, text]) => [place.slice(ENV.length), text]));
}

const ENV = "env/";

/** Everything in a block that may be an expression, by its place. */
export function* placesOf(block: AgentBlock): Generator<[place: string, value: Value]> {
  switch (block.kind) {
    case "command":
      yield* placed(ENV, block.env);
      if (block.stdin !== undefined) yield ["stdin", block.stdin];
      return;
    case "api":
      yield ["url", block.url];
      yield* placed("query/", withoutSecrets(block.query));
      yield* placed("headers/", withoutSecrets(block.headers));
      // Data in the place of a text has no expression in it, and a secret is put in when it is resolved.
      if (typeof block.body === "string" || (block.body && "expr" in block.body)) yield ["body", block.body];
      return;
    default:
      block satisfies never;
  }
}

function* placed(prefix: string, values: Readonly<Record<string, Value>> = {}): Generator<[string, Value]> {
  for (const [name, value] of Object.entries(values)) yield [prefix + name, value];
}

function withoutSecrets(values: Readonly<Record<string, SentValue>> = {}): Record<string, Value> {
  const others = Object.entries(values).flatMap(([name, value]): [string, Value][] =>
    typeof value === "object" && "secret" in value ? [] : [[name, value]],
  );
  return Object.fromEntries(others);
}

function refuse(code: "missing_input" | "unexpected_input", what: string): Settled {
  const detail =
    code === "missing_input"
      ? `${what} did not come with the start of the step`
      : `data came for ${what}, where the plan has no expression; data only goes where the plan says`;
  return { ok: false, code, detail };
}
