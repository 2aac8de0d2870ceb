import { createReadStream } from "node:fs";
import { z } from "zod";
import { type Plan, planDigest, planSchema } from "#protocol/plan.ts";
import { LOCAL_OPTIONS, POLICY_OPTIONS, policySource, word } from "../config.ts";
import { EXIT, Failure } from "../failure.ts";
import { errorCode } from "../files.ts";
import { wordsOf } from "../log.ts";
import { hostFactsFor } from "../policy/facts.ts";
import { type Judgement, judgePlan } from "../policy/judge.ts";
import { loadPolicy } from "../policy/load.ts";
import { collectBounded } from "../reading.ts";
import { type ConfigOf, command, text, yes } from "./command.ts";

const OPTIONS = {
  ...LOCAL_OPTIONS,
  ...POLICY_OPTIONS,
  json: yes(),
  user: text(word),
  stepUser: text(word, "FARHAND_STEP_USER"),
};

export const policyCheckCommand = command({
  usage: `policy check [PLAN.json] [--policy FILE] [--own-policy] [--json]
                    [--user NAME | --step-user NAME]
      Say whether the policy can be used and, block by block, what it lets a plan
      do (- reads the plan from stdin) and why not. Exits with 0 when all may
      run, 1 when something may not, 2 when that cannot be told.`,
  options: OPTIONS,
  word: { schema: word, tooMany: "one plan is checked at a time" },
  run: checkPolicy,
});

/** Of a plan with all that an answer of the API has around it. */
const PLAN_FILE_MAX_BYTES = 32 * 1024 * 1024;

/** A plan itself, or an answer of the API that has one in it. */
const planFileSchema = z.union([
  z.object({ data: z.object({ plan: planSchema }) }).transform(({ data }) => data.plan),
  z.object({ plan: planSchema }).transform(({ plan }) => plan),
  planSchema,
]);

/**
 * `farhand-agent policy check`: whether the policy can be used, and what it
 * says about each block of a plan.
 * @param file of the plan, `-` for stdin; undefined to look at the policy alone
 * @returns the exit code: 0 when all may run, 1 when something may not
 * @throws Failure (2) when the policy or the plan cannot be used
 */
async function checkPolicy(config: ConfigOf<typeof OPTIONS>, file: string | undefined): Promise<number> {
  const source = policySource(config);
  const policy = loadPolicy(source);
  const path = policy.digest === "default" ? undefined : source.path;
  if (file === undefined) {
    const words = path
      ? `${path} is a policy that can be used.`
      : `There is no ${source.path}: the default policy is in force.`;
    say(config.json ? asJson({ digest: policy.digest }) : `${words}\nDigest: ${policy.digest}\n`);
    return EXIT.ok;
  }
  const plan = await readPlan(file);
  const host = { ...hostFactsFor(config.stepUser), ...(config.user !== undefined && { user: config.user }) };
  const blocks = judgePlan(policy, plan, host, Date.now());
  const refused = blocks.filter(({ problems }) => problems.length > 0).length;
  if (config.json) {
    const allowed = refused === 0;
    say(asJson({ digest: policy.digest, planDigest: await planDigest(plan), allowed, blocks }));
  } else {
    const sum =
      refused === 0 ? "All of it may run here." : `${refused} of ${blocks.length} may not run here.`;
    say([...blocks.map((each) => linesOf(each, plan)), sum, ""].join("\n"));
  }
  return refused === 0 ? EXIT.ok : EXIT.failed;
}

function linesOf({ block, runbook, kind, problems, later }: Judgement, plan: Plan): string {
  const verdict = problems.length > 0 ? "refused" : "allowed";
  const where = runbook === plan.title ? "" : ` of "${runbook}"`;
  const notes = later.map((each) => `judged when it runs: ${each}`);
  return [
    `${verdict}  ${block} (${kind})${where}`,
    ...[...problems, ...notes].map((line) => `         ${line}`),
  ].join("\n");
}

async function readPlan(file: string): Promise<Plan> {
  let data: unknown;
  try {
    const stream = file === "-" ? process.stdin : createReadStream(file);
    const bounds = { what: `the plan ${nameOf(file)}`, maxBytes: PLAN_FILE_MAX_BYTES };
    data = JSON.parse((await collectBounded(stream, bounds)).toString("utf8"));
  } catch (error) {
    if (error instanceof Failure) throw error;
    const why = errorCode(error) === "ENOENT" ? "there is no such file" : wordsOf(error);
    throw new Failure(`the plan ${nameOf(file)} cannot be read: ${why}`, EXIT.usage);
  }
  const result = planFileSchema.safeParse(data);
  if (result.success) return result.data;
  throw new Failure(
    `${nameOf(file)} holds no plan: it has to be the JSON that "POST /api/v1/runbooks/{runbookId}/plan" or "GET /api/v1/executions/{executionId}" answers with, or the plan in it`,
    EXIT.usage,
  );
}

/** What people call it. */
function nameOf(file: string): string {
  return file === "-" ? "from stdin" : file;
}

function say(words: string): void {
  process.stdout.write(words);
}

function asJson(data: unknown): string {
  return `${JSON.stringify(data, null, 2)}\n`;
}
