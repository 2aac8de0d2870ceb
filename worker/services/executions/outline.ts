/** A plan told step by step: where each runs, and what people will be asked. Pure. */
import type { PlannedQuestion, PlannedStep, Preview } from "#protocol/api/previews.ts";
import type { BlockTarget } from "#protocol/blocks/common.ts";
import { type Block, childLists, compensationOf } from "#protocol/blocks/index.ts";
import { canonicalJson } from "#protocol/digest.ts";
import type { Plan } from "#protocol/plan.ts";
import { secretsOf } from "#protocol/secrets.ts";
import { blockTitle } from "../../blocks/index.ts";
import { entryOf } from "../../execution/engine/state.ts";

/** Agents that a plan needs. */
export interface TargetWish {
  poolId: string;
  poolName: string;
  labels: Record<string, string>;
  /** Programs that its commands need there. */
  interpreters: string[];
  /** Secrets that its steps use there. */
  secrets: string[];
}

type Procedure = Pick<Plan, "target" | "blocks" | "finally" | "children">;

export interface Outline extends Pick<Preview, "steps" | "runbooks" | "questions"> {
  wishes: TargetWish[];
}

export function outlineOf(plan: Plan): Outline {
  const writer = new OutlineWriter(plan);
  const steps = writer.procedure(plan);
  const runbooks = Object.entries(plan.runbooks ?? {}).map(([versionId, child]) => {
    const { runbookId, versionNumber, title } = child;
    return { versionId, runbookId, versionNumber, title, steps: writer.procedure(child) };
  });
  return { steps, runbooks, questions: writer.questions, wishes: [...writer.wishes.values()] };
}

class OutlineWriter {
  readonly questions: PlannedQuestion[] = [];
  /** By pool and labels. */
  readonly wishes = new Map<string, TargetWish>();
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  procedure(procedure: Procedure): PlannedStep[] {
    const { range } = procedure === this.#plan ? this.#plan : { range: undefined };
    const at = (name: string | undefined, otherwise: number) =>
      name === undefined ? otherwise : procedure.blocks.findIndex(({ id }) => id === name);
    const [first, last] = [at(range?.from, 0), at(range?.to, procedure.blocks.length - 1)];
    const steps: PlannedStep[] = [];
    procedure.blocks.forEach((block, index) => {
      const skipped = index < first || index > last ? "outside of the chosen range" : undefined;
      this.#block(steps, procedure, block, { skipped, target: undefined });
    });
    for (const block of procedure.finally ?? []) {
      this.#block(steps, procedure, block, { list: "finally", target: undefined });
    }
    return steps;
  }

  /** @param place `target`: that of the `foreach` over agents around it */
  #block(
    steps: PlannedStep[],
    procedure: Procedure,
    block: Block,
    place: { parent?: string; list?: string; skipped?: string | undefined; target: BlockTarget | undefined },
  ): void {
    const { target: around, ...where } = place;
    const target = targetOf(block) ?? around;
    const runs = place.skipped === undefined;
    const secrets = secretsOf(block);
    steps.push({
      id: block.id,
      kind: block.kind,
      title: blockTitle(block),
      ...where,
      when: block.when,
      where: needsAgents(block) ? this.#where(procedure, target, runs ? block : undefined) : undefined,
      secrets: secrets.length > 0 ? secrets : undefined,
      startsVersion: block.kind === "runbook" ? entryOf(procedure.children, block.id) : undefined,
    });
    if (runs) this.questions.push(...questionsOf(block));
    const inside = block.kind === "foreach" ? target : around;
    const { skipped } = place;
    for (const [index, list] of childLists(block).entries()) {
      for (const child of list) {
        const name = listName(block, index);
        this.#block(steps, procedure, child, { parent: block.id, list: name, skipped, target: inside });
      }
    }
    const undo = compensationOf(block);
    if (undo) this.#block(steps, procedure, undo, { parent: block.id, list: "undo", skipped, target });
  }

  #where(
    procedure: Procedure,
    target: BlockTarget | undefined,
    block: Block | undefined,
  ): PlannedStep["where"] {
    const own = procedure.target;
    const poolName = target?.pool ?? own.poolName;
    const poolId =
      target?.pool === undefined ? own.poolId : (entryOf(this.#plan.pools, target.pool) ?? own.poolId);
    const labels = target?.labels ?? (target?.pool === undefined ? own.labels : {});
    if (block) {
      const key = canonicalJson([poolId, labels]);
      const wish = this.wishes.get(key) ?? { poolId, poolName, labels, interpreters: [], secrets: [] };
      if (block.kind === "command" && !wish.interpreters.includes(block.interpreter)) {
        wish.interpreters.push(block.interpreter);
      }
      wish.secrets = [...new Set([...wish.secrets, ...secretsOf(block)])];
      this.wishes.set(key, wish);
    }
    return { poolName, labels, mode: target?.mode ?? "one" };
  }
}

function targetOf(block: Block): BlockTarget | undefined {
  if (block.kind === "foreach") return block.target && { mode: "all", ...block.target };
  return block.kind === "command" || block.kind === "api" ? block.target : undefined;
}

function needsAgents(block: Block): boolean {
  if (block.kind === "foreach") return block.target !== undefined;
  return block.kind === "command" || (block.kind === "api" && block.from !== "edge");
}

function listName(block: Block, index: number): string {
  if (block.kind === "condition") return index === 0 ? "then" : "else";
  return block.kind === "parallel" ? `branch ${index + 1}` : "each";
}

function questionsOf(block: Block): PlannedQuestion[] {
  const questions: PlannedQuestion[] = [];
  if (block.confirm !== undefined) {
    const question = block.confirm === true ? undefined : block.confirm;
    questions.push({ step: block.id, for: "confirmation", question });
  }
  if (block.kind === "approval") {
    const { markdown: question, required = 1, from } = block;
    questions.push({
      step: block.id,
      for: "approval",
      question,
      required,
      people: from?.people,
      roles: from?.roles,
    });
  }
  if (block.kind === "instruction" && block.acknowledge) {
    questions.push({ step: block.id, for: "acknowledgement", question: block.markdown });
  }
  return questions;
}
