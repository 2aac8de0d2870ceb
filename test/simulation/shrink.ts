/** Makes a failing simulation as small as it gets while it still breaks the same rule. */
import type { Block } from "#protocol/blocks/index.ts";
import type { Plan } from "#protocol/plan.ts";
import { type Scenario, simulate } from "./simulate.ts";

/** Fields without which a block is no block of its kind. */
const NEEDED: ReadonlySet<string> = new Set([
  ...["kind", "id", "markdown", "interpreter", "script", "method", "url", "if", "items", "target", "runbook"],
  ...["durationMs", "until", "then", "branches", "blocks"],
]);

/** Fewer steps of the schedule, fewer blocks, fewer of their fields. */
export function shrink(scenario: Scenario): Scenario {
  const rule = simulate(scenario).violation?.rule;
  if (rule === undefined) return scenario;
  const fails = (candidate: Scenario) => simulate(candidate).violation?.rule === rule;
  let smallest = scenario;
  for (let before = Number.POSITIVE_INFINITY; sizeOf(smallest) < before; ) {
    before = sizeOf(smallest);
    smallest = withLess(smallest, fails);
    smallest = { ...smallest, schedule: shorter(smallest, fails) };
  }
  return smallest;
}

function sizeOf({ plan, schedule }: Scenario): number {
  return schedule.length + JSON.stringify(plan).length;
}

/** Leaves out runs of steps, long ones first. */
function shorter(scenario: Scenario, fails: (candidate: Scenario) => boolean): readonly number[] {
  let { schedule } = scenario;
  for (let size = schedule.length; size >= 1; size = Math.floor(size / 2)) {
    for (let start = schedule.length - size; start >= 0; start -= size) {
      const less = schedule.toSpliced(start, size);
      if (fails({ ...scenario, schedule: less })) schedule = less;
    }
  }
  return schedule;
}

function withLess(scenario: Scenario, fails: (candidate: Scenario) => boolean): Scenario {
  let smallest = scenario;
  for (let found = true; found; ) {
    found = false;
    for (const plan of smallerPlans(smallest.plan)) {
      const candidate = { ...smallest, plan };
      if (!fails(candidate)) continue;
      smallest = candidate;
      found = true;
      break;
    }
  }
  return smallest;
}

function* smallerPlans(plan: Plan): Generator<Plan> {
  for (const field of ["finally", "locks", "timeoutMs", "range"] as const) {
    if (plan[field] !== undefined) yield { ...plan, [field]: undefined };
  }
  for (const blocks of smallerLists(plan.blocks)) yield { ...plan, blocks };
  for (const blocks of smallerLists(plan.finally ?? [])) yield { ...plan, finally: blocks };
}

function* smallerLists(blocks: readonly Block[]): Generator<Block[]> {
  for (const [index, block] of blocks.entries()) {
    yield blocks.toSpliced(index, 1);
    for (const inside of listsIn(block)) yield blocks.toSpliced(index, 1, ...inside);
    for (const smaller of smallerBlocks(block)) yield blocks.toSpliced(index, 1, smaller);
  }
}

function listsIn(block: Block): Block[][] {
  if (block.kind === "condition") return [block.then, block.else ?? []];
  if (block.kind === "parallel") return block.branches;
  return block.kind === "foreach" ? [block.blocks] : [];
}

function* smallerBlocks(block: Block): Generator<Block> {
  for (const [field, value] of Object.entries(block)) {
    if (value !== undefined && !NEEDED.has(field)) yield { ...block, [field]: undefined };
  }
  if (block.kind === "condition") for (const list of smallerLists(block.then)) yield { ...block, then: list };
  if (block.kind === "foreach") {
    for (const list of smallerLists(block.blocks)) if (list.length > 0) yield { ...block, blocks: list };
  }
  if (block.kind !== "parallel") return;
  for (const [index, branch] of block.branches.entries()) {
    if (block.branches.length > 1) yield { ...block, branches: block.branches.toSpliced(index, 1) };
    for (const list of smallerLists(branch)) {
      if (list.length > 0) yield { ...block, branches: block.branches.toSpliced(index, 1, list) };
    }
  }
}
