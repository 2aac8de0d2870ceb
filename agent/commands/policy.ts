import { createReadStream, statSync } from "node:fs";
import { z } from "zod";
import { type Plan, planDigest, planSchema } from "#protocol/plan.ts";
import { LOCAL_OPTIONS, POLICY_OPTIONS, policySource, word } from "../config.ts";
import { EXIT, Failure } from "../failure.ts";
import { errorCode } from "../files.ts";
import { wordsOf } from "../log.ts";
import { actAsOwner } from "../owner.ts";
import { hostFactsFor, ownAccount } from "../policy/facts.ts";
import { type Judgement, judgePlan } from "../policy/judge.ts";
import { loadPolicy } from "../policy/load.ts";
import { collectBounded } from "../reading.ts";
import { accountOf, type OwnAccount } from "../runners/account.ts";
import { RunnerRefusal } from "../runners/refusal.ts";
import { type ConfigOf, command, text, yes } from "./command.ts";

const OPTIONS = {
  ...LOCAL_OPTIONS,
  ...POLICY_OPTIONS,
  json: yes(),
  user: text(word),
  stepUser: text(word, "FARHAND_STEP_USER"),
};

export const policyCheckCommand = command({
  usage: `policy check [PLAN.json] [--policy FILE] [--own-policy] [--user NAME]
                             [--step-user NAME] [--state DIR] [--json]
      Say whether the policy can be used and, block by block, what it lets a plan
      do (- reads the plan from stdin) and why not. Exits with 0 when all may
      run, 1 when something may not, 2 when that cannot be told. The agent is the
      one of the state folder, and runs as its owner, or as NAME.`,
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
 * Root looks at both as the agent's user, and so finds what the agent will find.
 * @param file of the plan, `-` for stdin; undefined to look at the policy alone
 * @returns the exit code: 0 when all may run, 1 when something may not
 * @throws Failure (2) when the policy or the plan cannot be used
 */
async function checkPolicy(config: ConfigOf<typeof OPTIONS>, file: string | undefined): Promise<number> {
  // Before it is somebody else: only root may be able to read it.
  const plan = file === undefined ? undefined : await readPlan(file);
  const own = agentAccount(config);
  const source = policySource(config);
  const policy = loadPolicy(source);
  const path = policy.digest === "default" ? undefined : source.path;
  if (!plan) {
    const words = path
      ? `${path} is a policy that can be used.`
      : `There is no ${source.path}: the default policy is in force.`;
    say(config.json ? asJson({ digest: policy.digest }) : `${words}\nDigest: ${policy.digest}\n`);
    return EXIT.ok;
  }
  const host = { ...hostFactsFor(own.stepUser), user: own.stepUser ?? own.username };
  const judged = judgePlan(policy, plan, host, Date.now());
  const blocks = await Promise.all(judged.map((each) => withRefusal(each, own)));
  const refused = blocks.filter(({ problems }) => problems.length > 0).length;
  if (config.json) {
    const allowed = refused === 0;
    const facts = { digest: policy.digest, planDigest: await planDigest(plan), user: own.username };
    say(asJson({ ...facts, allowed, blocks }));
  } else {
    const sum = refused === 0 ? "All of it may run here" : `${refused} of ${blocks.length} may not run here`;
    const who = `by an agent that runs as ${own.username}.`;
    say([...blocks.map((each) => linesOf(each, plan)), `${sum}, ${who}`, ""].join("\n"));
  }
  return refused === 0 ? EXIT.ok : EXIT.failed;
}

/**
 * Whom the agent of this state folder runs as: its owner, as whom root goes on from here.
 * @throws Failure when it is another user's and this is not root, who sees other things than that user
 */
function agentAccount({ state, user, stepUser }: ConfigOf<typeof OPTIONS>): OwnAccount {
  // Of another account no more counts than whether it is root.
  if (user !== undefined) return { uid: user === "root" ? 0 : -1, username: user, stepUser };
  actAsOwner(state);
  const uid = process.getuid?.() ?? 0;
  const owner = statSync(state, { throwIfNoEntry: false })?.uid ?? uid;
  if (owner === uid) return { uid, username: ownAccount(), stepUser };
  throw new Failure(
    `${state} belongs to the user ${owner}, and what that user's agent does only root and that user can tell: run this with sudo, or name the user with --user`,
    EXIT.usage,
  );
}

/** With what no rule forbids and the agent cannot do all the same: become the user that the block names. */
async function withRefusal(judgement: Judgement, own: OwnAccount): Promise<Judgement> {
  try {
    await accountOf(judgement.user, own);
    return judgement;
  } catch (error) {
    if (!(error instanceof RunnerRefusal)) throw error;
    return { ...judgement, problems: [...judgement.problems, `${error.code}: ${error.message}`] };
  }
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
    `${file === "-" ? "standard input" : file} holds no plan: it has to be the JSON that "POST /api/v1/runbooks/{runbookId}/plan" or "GET /api/v1/executions/{executionId}" answers with, or the plan in it`,
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
