/** Fields of a block that contradict each other, or that nothing would come of. */
import type { BlockTarget } from "../blocks/common.ts";
import type { Block } from "../blocks/index.ts";
import { isProtected } from "../environment.ts";
import { secretsOf } from "../secrets.ts";
import type { DocumentIssue } from "./check.ts";
import { parameterProblems } from "./checkParameters.ts";
import { urlProblems } from "./checkUrl.ts";
import type { Place } from "./walk.ts";

export function checkBlock({ block, path, undoes }: Place): DocumentIssue[] {
  const issues: DocumentIssue[] = [];
  const report = (where: readonly PropertyKey[], message: string) => issues.push({ path: where, message });
  if ("retry" in block && block.retry?.on?.includes("unknown") && !block.idempotent) {
    report(
      ["retry", "on"],
      "after an unknown end only what is `idempotent: true` can be tried again: it may have run",
    );
  }
  if ("compensate" in block && block.compensate && path[0] === "finally") {
    report(["compensate"], "what runs at the end is never undone; remove this");
  }
  if ("target" in block && block.target) {
    if (undoes && (block.target.mode ?? "one") !== "one") {
      report(["target", "mode"], "what undoes a block runs on one agent; leave the mode out");
    }
    for (const each of targetProblems(block.target)) report(["target", ...each.path], each.message);
  }
  if ((block.kind === "instruction" || block.kind === "approval") && block.form) {
    for (const each of parameterProblems(block.form)) report(["form", ...each.path], each.message);
  }
  if (block.kind === "api") issues.push(...urlProblems(block));
  issues.push(...kindProblems(block));
  return issues;
}

function targetProblems(target: BlockTarget): DocumentIssue[] {
  if (target.mode === "rolling") return [];
  const issues: DocumentIssue[] = [];
  for (const [key, word] of [
    ["batch", "batch"],
    ["pauseMs", "pause"],
  ] as const) {
    if (target[key] === undefined) continue;
    issues.push({ path: [key], message: `"${word}" only means something with \`mode: rolling\`` });
  }
  return issues;
}

function kindProblems(block: Block): DocumentIssue[] {
  switch (block.kind) {
    case "instruction":
      return instructionProblems(block);
    case "approval":
      return approvalProblems(block);
    case "timer":
      return timerProblems(block);
    case "api":
      return apiProblems(block);
    case "command":
      return secretProblems(block);
    default:
      return [];
  }
}

function instructionProblems(block: Extract<Block, { kind: "instruction" }>): DocumentIssue[] {
  if (block.acknowledge) return [];
  const asked = [
    ["form", "form", block.form],
    ["noteRequired", "note-required", block.noteRequired],
    ["expiresMs", "expires", block.expiresMs],
  ] as const;
  return asked.flatMap(([key, word, value]) =>
    value === undefined || value === false
      ? []
      : [{ path: [key], message: `"${word}" only means something with \`acknowledge: true\`` }],
  );
}

function approvalProblems({ from, required = 1 }: Extract<Block, { kind: "approval" }>): DocumentIssue[] {
  const people = new Set(from?.people?.map((each) => each.toLowerCase()));
  if (!from || from.roles || people.size >= required) return [];
  const message = `${required} have to agree, but only ${people.size} may; name more people, or a role`;
  return [{ path: ["required"], message }];
}

function apiProblems(block: Extract<Block, { kind: "api" }>): DocumentIssue[] {
  const { method, body, from } = block;
  const issues: DocumentIssue[] = [];
  if (body !== undefined && (method === "GET" || method === "HEAD")) {
    const message = `a ${method} request has no body; remove it or use another method`;
    issues.push({ path: ["body"], message });
  }
  const [secret] = secretsOf(block);
  if (from === "edge" && secret !== undefined) {
    const message = `the control plane has no secrets, so it cannot send "${secret}"; leave \`from\` out to have an agent send the request`;
    issues.push({ path: ["from"], message });
  }
  return issues;
}

function secretProblems({ secrets = {}, env = {} }: Extract<Block, { kind: "command" }>): DocumentIssue[] {
  return Object.keys(secrets).flatMap((variable) => {
    const why = isProtected(variable)
      ? `the variable ${variable} decides what the script runs; no secret can be put into it: use another one, and let the script set it`
      : Object.hasOwn(env, variable) && `the variable ${variable} is in \`env\` too; remove one`;
    return why ? [{ path: ["secrets", variable], message: why }] : [];
  });
}

function timerProblems({ until, zone }: Extract<Block, { kind: "timer" }>): DocumentIssue[] {
  if (typeof until !== "string") return [];
  const time = /^(\d{1,2}):(\d{2})$/.exec(until);
  const isTime = time ? Number(time[1]) < 24 && Number(time[2]) < 60 : !Number.isNaN(Date.parse(until));
  if (!isTime) {
    const message = `"${until.slice(0, 60)}" is no time: write HH:MM, or an instant such as 2030-01-31T09:00:00Z`;
    return [{ path: ["until"], message }];
  }
  if (time || zone === undefined) return [];
  return [{ path: ["zone"], message: "a zone is for a time of day; an instant says its own" }];
}
