/** What a policy says about the text of a script. Pure. */
import { strictShellDangers } from "#protocol/runbook/shellDanger.ts";
import { operatorsIn } from "./operators.ts";
import type { Policy } from "./policy.ts";

/** Interpreters whose scripts have signs of their own where shells have operators. Any other may be a shell. */
const NO_SHELL = /^(?:python|node|deno|bun|perl|ruby|php|lua|Rscript)[\d.]*$/;

/** Every rule that the script of a block breaks, in words. */
export function scriptProblems(policy: Policy, script: string, interpreter: string): string[] {
  const { allow, deny } = policy.rules.scripts;
  const problems: string[] = [];
  // A fence has a line's end behind its last line that nobody wrote.
  if (allow && !allow.some((pattern) => pattern.matches(script.trimEnd()))) {
    problems.push(`${policy.at("scripts", "allow")}: the script is none of those that are allowed`);
  }
  deny.forEach((pattern, index) => {
    if (!pattern.finds(script)) return;
    problems.push(`${policy.at("scripts", "deny", index)}: the script has what "${pattern.source}" finds`);
  });
  return NO_SHELL.test(interpreter) ? problems : [...problems, ...operatorProblems(policy, script)];
}

function operatorProblems(policy: Policy, script: string): string[] {
  const { operators } = policy.rules.scripts;
  if (operators.length === 0) return [];
  const lines = operatorsIn(script);
  const dangers = new Map(strictShellDangers(script).map(({ name, message }) => [name, message]));
  return operators.flatMap((operator, index) => {
    const rule = policy.at("scripts", "operators", index);
    const found = new Map<string, number>(lines).get(operator);
    if (found !== undefined) return [`${rule}: ${operator} is not allowed (line ${found} of the script)`];
    const danger = new Map<string, string>(dangers).get(operator);
    return danger === undefined ? [] : [`${rule}: ${operator} is not allowed (${danger})`];
  });
}
