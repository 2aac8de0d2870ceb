import type { ExecutionCreate } from "#protocol/api/executions.ts";
import type { PlannedTarget, Preview } from "#protocol/api/previews.ts";
import { type Plan, planDigest } from "#protocol/plan.ts";
import { tenantDb } from "../../db/tenant.ts";
import type { Env } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import { entryOf } from "../../execution/engine/state.ts";
import { mapConcurrently } from "../../http/concurrency.ts";
import type { Caller } from "../../identity/caller.ts";
import { callObject, coordinatorOf, poolOf } from "../../objects.ts";
import type { MatchingNow } from "../../pool/contract.ts";
import { differenceOf } from "../runbooks/difference.ts";
import { outlineOf, type TargetWish } from "./outline.ts";
import { resolvePlan } from "./resolve.ts";

/** Marks a plan as one to look at: expired since 1970, so that no agent would start anything of it. */
const PREVIEW = { nonce: "preview", now: 0 };

const NOBODY: MatchingNow = {
  ...{ matching: 0, free: 0, draining: 0 },
  ...{ agents: [], lacking: {}, lackingSecrets: {} },
};

/** From how many executions the expected duration is taken. */
const HISTORY = 20;

/**
 * What triggering would do now, with nothing done.
 * @throws ApiError what triggering would be refused with
 */
export async function previewExecution(
  env: Env,
  caller: Caller,
  runbookId: string,
  body: ExecutionCreate,
): Promise<Preview> {
  const organizationId = caller.organization.id;
  const { runbooks, executions } = tenantDb(env.DB, organizationId);
  const [source, history] = await Promise.all([
    runbooks.forTrigger(runbookId, body.version, body.pool),
    executions.list({ runbookId, states: ["succeeded"] }, undefined, HISTORY),
  ]);
  const plan = await resolvePlan(env, organizationId, source, body, PREVIEW);
  if (plan instanceof ApiError) throw plan;
  const { wishes, ...outline } = outlineOf(plan);
  const [digest, looked, difference] = await Promise.all([
    planDigest(plan),
    lookAtAgents(env, organizationId, wishes),
    differenceFrom(env, organizationId, history[0]?.id, plan),
  ]);
  const targets = looked.map(({ drainingWords: _, ...target }): PlannedTarget => target);
  const durations = history.flatMap(({ durationMs }) => durationMs ?? []);
  return {
    plan,
    planDigest: digest,
    ...outline,
    targets,
    missing: looked.flatMap(missingAt),
    ...(durations.length > 0 && {
      expected: { durationMs: median(durations), executions: durations.length },
    }),
    difference,
  };
}

/** A target with what only `missing` tells of it. */
type Looked = PlannedTarget & Pick<MatchingNow, "drainingWords">;

/** Asks each pool once. */
async function lookAtAgents(
  env: Env,
  organizationId: string,
  wishes: readonly TargetWish[],
): Promise<Looked[]> {
  const pools = [...Map.groupBy(wishes, ({ poolId }) => poolId)];
  const answers = await mapConcurrently(pools, async ([poolId, wanted]) => {
    const wishes = wanted.map(({ labels, interpreters, secrets }) => ({ labels, interpreters, secrets }));
    const found = await callObject(poolOf(env, organizationId, poolId), (pool) => pool.lookAt(wishes));
    return wanted.map(({ poolId: _, ...wish }, index) => ({
      ...wish,
      ...(found[index] ?? NOBODY),
    }));
  });
  return answers.flat();
}

/** What is missing at a target, in words. */
function missingAt(target: Looked): string[] {
  const { poolName, labels, matching, lacking, lackingSecrets, drainingWords } = target;
  const wanted = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const which = wanted.length > 0 ? ` with ${wanted.join(", ")}` : "";
  const where = `in the pool "${poolName}"`;
  if (matching === 0 && drainingWords) {
    return [`No agent${which} ${where} takes work now: ${drainingWords}.`];
  }
  if (matching === 0) return [`No agent${which} is connected ${where}.`];
  const things = [
    ...Object.entries(lacking),
    ...Object.entries(lackingSecrets).map(([name, count]) => [`the secret "${name}"`, count] as const),
  ];
  return things.map(([thing, count]) => {
    const all = count === matching;
    return all
      ? `No connected agent${which} ${where} has ${thing}.`
      : `${count} of ${matching} connected agents${which} ${where} do not have ${thing}.`;
  });
}

async function differenceFrom(
  env: Env,
  organizationId: string,
  executionId: string | undefined,
  plan: Plan,
): Promise<Preview["difference"]> {
  if (executionId === undefined) return undefined;
  const coordinator = coordinatorOf(env, organizationId, executionId);
  const last = await callObject(coordinator, (object) => object.read());
  if (!last) return undefined;
  const before = last.plan.parameters;
  const after = plan.parameters;
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return {
    executionId,
    finishedAt: last.finishedAt,
    versionNumber: last.versionNumber,
    parameters: names
      .map((name) => ({ name, before: entryOf(before, name), after: entryOf(after, name) }))
      .filter((each) => each.before !== each.after),
    blocks: differenceOf(last.plan, plan),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
