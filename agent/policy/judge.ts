/**
 * What a policy says about the blocks of a plan. The same rules answer before
 * anything runs (`farhand-agent policy check`) and at the start of each step,
 * on the values that it would run with. Pure.
 */
import { type Block, type CommandBlock, walkBlocks } from "#protocol/blocks/index.ts";
import { isProtected } from "#protocol/environment.ts";
import type { Plan } from "#protocol/plan.ts";
import { secretsOf } from "#protocol/secrets.ts";
import { type AgentBlock, isAgentBlock } from "../job/values.ts";
import { authorsOf } from "../signatures/author.ts";
import { pinKeys } from "../signatures/pinned.ts";
import { isAsked } from "../signatures/requirement.ts";
import { matchesFolder, matchesName } from "./glob.ts";
import { hostProblem } from "./hosts.ts";
import { timeoutProblem } from "./limits.ts";
import type { Policy } from "./policy.ts";
import { scriptProblems } from "./scripts.ts";

/** What has to be known of the host. */
export interface HostFacts {
  /** The account that steps run as whose block names none: the agent's own, unless there is a `stepUser`. */
  user: string;
  /**
   * Where the agent is root only to run steps as others: whom those run as whose
   * block names nobody. None runs as root then, and without `users` none as anybody else.
   */
  stepUser?: string | undefined;
  /** A folder without links and dots; undefined where there is none. */
  realFolder(path: string): string | undefined;
}

type Runbook = Pick<Plan, "runbookId" | "title">;

export interface BlockQuestion {
  block: AgentBlock;
  runbook: Runbook;
  host: HostFacts;
  /** Of an `api` block; undefined while its expression has no result. */
  url: string | undefined;
}

/** Every rule that keeps this block from running, in words that begin with where the rule stands. */
export function blockProblems(policy: Policy, { block, runbook, host, url }: BlockQuestion): string[] {
  const { blocks } = policy.rules;
  const problems = runbookProblems(policy, runbook);
  if (blocks && !blocks.includes(block.kind)) {
    problems.push(`${policy.at("blocks")}: ${block.kind} blocks are not allowed`);
  }
  const tooLong = timeoutProblem(policy, block);
  if (tooLong !== undefined) problems.push(tooLong);
  problems.push(...secretsOf(block).flatMap((name) => asList(secretProblem(policy, name, runbook))));
  switch (block.kind) {
    case "command":
      return [...problems, ...commandProblems(policy, block, host)];
    case "api": {
      const parsed = url === undefined ? null : URL.parse(url);
      return [...problems, ...((parsed && asList(hostProblem(policy, parsed))) ?? [])];
    }
    default:
      return block satisfies never;
  }
}

/** One block that agents carry out, judged before it runs. */
export interface Judgement {
  /** Its name in the plan, and the title of the runbook that has it. */
  block: string;
  runbook: string;
  kind: AgentBlock["kind"];
  /** Whom it asks to run as. */
  user?: string | undefined;
  problems: string[];
  /** What is judged only when it runs. */
  later: string[];
}

/**
 * Judges every block that an agent would be given, those of runbooks that the plan starts included.
 * @param now wall clock, ms: signatures expire
 */
export function judgePlan(policy: Policy, plan: Plan, host: HostFacts, now: number): Judgement[] {
  const procedures = [plan, ...Object.values(plan.runbooks ?? {})];
  return procedures.flatMap((procedure) => {
    const signed = signaturesOf(policy, procedure === plan ? plan : undefined, now);
    return [...walkBlocks([...procedure.blocks, ...(procedure.finally ?? [])])]
      .map(({ block }) => block)
      .filter(isForAgents)
      .map((block) => ({
        block: block.id,
        runbook: procedure.title,
        kind: block.kind,
        user: block.kind === "command" ? block.user : undefined,
        problems: [
          ...blockProblems(policy, { block, runbook: procedure, host, url: plannedUrl(block) }),
          ...signed.problems,
        ],
        later: [...laterOf(block, host), ...signed.later],
      }));
  });
}

/** Why a runbook may not use a secret; undefined when it may. */
function secretProblem(policy: Policy, name: string, runbook: Runbook): string | undefined {
  const { secrets } = policy.rules;
  const isAllowed = secrets?.some(
    (rule) => matchesName(rule.names, name) && (!rule.runbooks || isNamed(rule.runbooks, runbook)),
  );
  if (isAllowed ?? true) return undefined;
  return `${policy.at("secrets")}: the runbook "${runbook.title}" may not use the secret ${name}`;
}

/** Why a secret of this name may not come in sealed; undefined when it may. */
export function sealedProblem(policy: Policy, name: string): string | undefined {
  const { sealed, requireSignature } = policy.rules;
  if (sealed.accept) {
    if (matchesName(sealed.accept, name)) return undefined;
    return `${policy.at("sealed", "accept")}: sealed secrets called ${name} are not accepted`;
  }
  if (requireSignature.by === "none") return undefined;
  return `${policy.at("sealed", "accept")}: this host asks for signatures, and takes sealed secrets only under names that are listed here`;
}

function commandProblems(policy: Policy, block: CommandBlock, host: HostFacts): string[] {
  const { interpreters, users = asOwnRule(host) } = policy.rules;
  const problems: string[] = [];
  if (interpreters && !matchesName(interpreters, block.interpreter)) {
    problems.push(`${policy.at("interpreters")}: "${block.interpreter}" is not allowed`);
  }
  problems.push(...scriptProblems(policy, block.script, block.interpreter));
  const user = block.user ?? host.user;
  if (users && !matchesName(users, user)) {
    const whose =
      block.user === undefined ? `, which ${host.stepUser ? "steps run" : "the agent runs"} as,` : "";
    problems.push(`${policy.at("users")}: "${user}"${whose} is not allowed`);
  }
  const { workingDirectory: folder } = block;
  if (folder !== undefined) {
    problems.push(...asList(folderProblem(policy, folder, host.realFolder(folder))));
  }
  return [...problems, ...environmentProblems(policy, block)];
}

/** What is allowed where the policy has no `users`: an agent that could start steps as anybody does not by itself. */
function asOwnRule({ stepUser }: HostFacts): string[] | undefined {
  return stepUser === undefined ? undefined : [stepUser];
}

/**
 * Why a step may not run in a folder; undefined when it may.
 * @param named as its block has it
 * @param real without links and dots; undefined where there is none
 */
export function folderProblem(policy: Policy, named: string, real: string | undefined): string | undefined {
  const { workingDirectories } = policy.rules;
  if (!workingDirectories) return undefined;
  if (real !== undefined && matchesFolder(workingDirectories, real)) return undefined;
  const what =
    real === undefined
      ? `${named} does not exist, so it`
      : real === named
        ? real
        : `${named} is ${real}, which`;
  return `${policy.at("workingDirectories")}: ${what} is not allowed`;
}

function environmentProblems(policy: Policy, { env = {}, secrets = {} }: CommandBlock): string[] {
  const { protect, allow } = policy.rules.environment;
  return [...Object.keys(env), ...Object.keys(secrets)].flatMap((name) => {
    if (matchesName(allow, name)) return [];
    if (matchesName(protect, name)) return [`${policy.at("environment", "protect")}: ${name} may not be set`];
    return isProtected(name)
      ? [`${policy.at("environment", "allow")}: ${name} may not be set unless it is named here`]
      : [];
  });
}

function runbookProblems(policy: Policy, runbook: Runbook): string[] {
  const { runbooks } = policy.rules;
  if (!runbooks || isNamed(runbooks, runbook)) return [];
  return [`${policy.at("runbooks")}: "${runbook.title}" (${runbook.runbookId}) is not allowed`];
}

/**
 * What is known of the signatures before anything runs: the author's is in the plan, an approver's is given later.
 * @param plan undefined for a runbook that another one starts, since that gets a plan of its own
 */
function signaturesOf(
  policy: Policy,
  plan: Plan | undefined,
  now: number,
): Pick<Judgement, "problems" | "later"> {
  const { requireSignature: requirement } = policy.rules;
  const author = isAsked(requirement, "author");
  const signed = author && plan ? authorsOf(plan, pinKeys(requirement), now) : undefined;
  return {
    problems: signed && "code" in signed ? [`${policy.at("requireSignature")}: ${signed.detail}`] : [],
    later: [
      ...(author && !plan ? ["the signature of the author"] : []),
      ...(isAsked(requirement, "approver") ? ["the signature of the approver"] : []),
    ],
  };
}

function isNamed(globs: readonly string[], { runbookId, title }: Runbook): boolean {
  return matchesName(globs, runbookId) || matchesName(globs, title);
}

function isForAgents(block: Block): block is AgentBlock {
  return isAgentBlock(block) && !(block.kind === "api" && block.from === "edge");
}

function plannedUrl(block: AgentBlock): string | undefined {
  return block.kind === "api" && typeof block.url === "string" ? block.url : undefined;
}

function laterOf(block: AgentBlock, host: HostFacts): string[] {
  switch (block.kind) {
    case "command": {
      const folder = block.workingDirectory;
      const isThere = folder === undefined || host.realFolder(folder) !== undefined;
      return isThere ? [] : [`the working directory ${folder} does not exist on this host`];
    }
    case "api":
      return plannedUrl(block) === undefined
        ? ["the URL is an expression: its host is judged once it is known"]
        : ["where it redirects to, and the address of its host"];
    default:
      return block satisfies never;
  }
}

function asList<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}
