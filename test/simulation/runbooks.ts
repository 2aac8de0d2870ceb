/** Random runbooks over all kinds of blocks. */
import type { BlockTarget } from "#protocol/blocks/common.ts";
import type { ApiBlock, Block, CommandBlock } from "#protocol/blocks/index.ts";
import type { Plan } from "#protocol/plan.ts";
import type { Random } from "./random.ts";

const CONDITIONS = [
  "true",
  "true",
  "true",
  "params.n == 3",
  "false",
  "params.n > 2",
  "params.n > 9",
  "1 / 0 == 1",
  "params.n",
];
const LISTS = [
  ...["[1, 2, 3]", "[1, 2, 3, 4, 5]", "[3, 4].map(x, x + 1)", "[{'a': 1}, {'a': 2}]", "[]", "params.list"],
];
const LOCKS = ["alpha", "beta"];

/** Tried again whatever became of it. */
const TRIED = {
  retry: { maxAttempts: 3, delayMs: 90_000, factor: 1, on: ["failed", "timed_out", "unknown"] },
  idempotent: true,
} satisfies Partial<CommandBlock>;

interface Growing {
  random: Random;
  ids: string[];
  left: number;
  /** Few blocks, on agents, that may be tried again: attempts are what matters. */
  narrow: boolean;
}

export function randomPlan(random: Random): Plan {
  const narrow = random.chance(0.35);
  const growing: Growing = { random, ids: [], left: narrow ? 2 : 2 + random.int(20), narrow };
  const blocks = listOf(growing, 0);
  const last: Growing = { random, ids: growing.ids, left: 1 + random.int(2), narrow };
  const top = blocks.map(({ id }) => id);
  return {
    schema: 1,
    organizationId: "org_1",
    runbookId: "rb_1",
    versionId: "rbv_1",
    versionNumber: 1,
    versionHash: "hash",
    title: "Simulated",
    parameters: { n: 3, list: "a,b" },
    target: { poolId: "pool_1", poolName: "default", labels: {} },
    blocks,
    ...(random.chance(0.25) && { finally: listOf(last, 1) }),
    ...(random.chance(0.15) && { locks: someLocks(random) }),
    ...(random.chance(0.2) && { timeoutMs: 10_000 * (1 + random.int(30)) }),
    ...(random.chance(0.05) && { range: { from: random.pick(top), to: random.pick(top) } }),
    nonce: "nonce",
    expiresAt: 1e15,
  };
}

function listOf(growing: Growing, depth: number): Block[] {
  const blocks: Block[] = [];
  const count = 1 + growing.random.int(depth === 0 ? 6 : 3);
  for (let index = 0; index < count && (growing.left > 0 || index === 0); index++) {
    blocks.push(block(growing, depth));
  }
  return blocks;
}

function block(growing: Growing, depth: number): Block {
  const { random, ids, narrow } = growing;
  growing.left--;
  const nests = depth < 3 && growing.left > 0 ? 3 : 0;
  const others = narrow ? 0.2 : 2;
  const kind = random.weighted({
    ...{ command: 10, api: 1.5 * others, runbook: others },
    ...{ instruction: others, approval: others, timer: others },
    ...{ condition: nests, parallel: nests, foreach: nests * 1.5 },
  });
  const id = `${kind}-${ids.length}`;
  const when = random.chance(0.12) ? { when: test(growing) } : {};
  ids.push(id);
  const common = { id, ...when, ...commonFields(random) };
  switch (kind) {
    case "command":
      return { ...command(random, id), ...common, ...(narrow && TRIED), ...compensation(growing) };
    case "api":
      return { ...api(random, id), ...common, ...compensation(growing) };
    case "instruction":
      return {
        kind,
        ...common,
        markdown: "Do it",
        ...(random.chance(0.7) && { acknowledge: true as const }),
      };
    case "approval":
      return {
        kind,
        ...common,
        ...(random.chance(0.3) && { required: 2 }),
        ...(random.chance(0.3) && { onExpiry: "approve" as const }),
        ...(random.chance(0.5) && { expiresMs: 1_000 * (1 + random.int(600)) }),
        ...(random.chance(0.2) && { allowRequester: true }),
      };
    case "timer":
      return random.chance(0.8)
        ? { kind, ...common, durationMs: random.pick([0, 1_000, 20_000, 120_000]) }
        : { kind, ...common, until: random.pick(["12:30", "2020-01-01T00:00:00Z", "soon"]) };
    case "runbook":
      return { kind, ...common, runbook: "Other", ...retrying(random), ...compensation(growing) };
    case "condition": {
      const more = random.chance(0.5) ? { else: listOf(growing, depth + 1) } : {};
      return { kind, ...common, if: test(growing), then: listOf(growing, depth + 1), ...more };
    }
    case "parallel": {
      const branches = Array.from({ length: 1 + random.int(3) }, () => listOf(growing, depth + 1));
      return { kind, ...common, branches, ...(random.chance(0.3) && { concurrency: 1 + random.int(2) }) };
    }
    case "foreach": {
      const over = random.chance(0.6) ? { items: random.pick(LISTS) } : { target: target(random) };
      return {
        kind,
        ...common,
        ...over,
        blocks: listOf(growing, depth + 1),
        ...(random.chance(0.5) && { concurrency: 1 + random.int(3) }),
        ...(random.chance(0.3) && { maxFailures: 1 + random.int(2) }),
      };
    }
    default:
      return kind satisfies never;
  }
}

/** A condition; often about a step that stands before it. */
function test({ random, ids }: Growing): string {
  if (ids.length === 0 || random.chance(0.5)) return random.pick(CONDITIONS);
  const id = random.pick(ids);
  return random.pick([
    `steps["${id}"].state == "succeeded"`,
    `steps["${id}"].state != "failed"`,
    `steps["${id}"].outputs.n > 4`,
  ]);
}

function commonFields(random: Random) {
  return {
    ...(random.chance(0.3) && { timeoutMs: random.pick([1_000, 5_000, 30_000, 120_000]) }),
    ...(random.chance(0.2) && { onFailure: "continue" as const }),
    ...(random.chance(0.07) && { confirm: true as const }),
    ...(random.chance(0.12) && { locks: someLocks(random) }),
  };
}

function someLocks(random: Random) {
  const names = random.chance(0.3) ? LOCKS : [random.pick(LOCKS)];
  return names.map((name) => ({ name, ...(random.chance(0.4) && { mode: "shared" as const }) }));
}

function target(random: Random): BlockTarget {
  const mode = random.pick(["all", "rolling"] as const);
  return {
    mode,
    ...(random.chance(0.3) && { labels: { zone: random.pick(["a", "b", "none"]) } }),
    ...(random.chance(0.5) && { batch: 1 + random.int(2) }),
    ...(random.chance(0.3) && { maxFailures: 1 }),
    ...(random.chance(0.3) && { pauseMs: 1_000 * (1 + random.int(90)) }),
    ...(random.chance(0.3) && { whenNone: random.pick(["wait", "fail"] as const) }),
    ...(random.chance(0.8) && { waitMs: 60_000 }),
  };
}

function retrying(random: Random) {
  return {
    ...(random.chance(0.45) && {
      retry: {
        maxAttempts: 2 + random.int(2),
        delayMs: random.pick([0, 1_000, 90_000]),
        ...(random.chance(0.6) && { on: ["failed" as const, "timed_out" as const, "unknown" as const] }),
      },
    }),
    ...(random.chance(0.5) && { idempotent: true }),
  };
}

function onAgents(random: Random) {
  const where = random.weighted({ main: 6, one: 2, many: 2 });
  return {
    ...retrying(random),
    ...(where === "one" && { target: { labels: { zone: random.pick(["a", "b"]) }, waitMs: 60_000 } }),
    ...(where === "many" && { target: target(random) }),
    ...(random.chance(0.3) && { onDisconnect: "stop" as const }),
  };
}

function command(random: Random, id: string): CommandBlock {
  const env = random.chance(0.2) ? { env: { N: { expr: random.pick(["params.n + 1", "agent.name"]) } } } : {};
  return { kind: "command", id, interpreter: "sh", script: "true", ...env, ...onAgents(random) };
}

function api(random: Random, id: string): ApiBlock {
  const request = { kind: "api", id, method: "GET", url: "https://example.com" } as const;
  return random.chance(0.6)
    ? { ...request, from: "edge", ...retrying(random) }
    : { ...request, ...onAgents(random) };
}

function compensation({ random, ids }: Growing) {
  if (!random.chance(0.3)) return {};
  const id = `undo-${ids.length}`;
  ids.push(id);
  const fields = { ...commonFields(random), ...retrying(random) };
  return { compensate: { ...(random.chance(0.8) ? command(random, id) : api(random, id)), ...fields } };
}
