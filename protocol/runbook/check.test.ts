import { describe, expect, test } from "vitest";
import { parseRunbook } from "./markdown.ts";

/** Issues of one or more farhand blocks as `line:column message`. */
function issuesOf(...blocks: string[]): string[] {
  const source = blocks.map((block) => `\`\`\`farhand\n${block}\n\`\`\`\n`).join("");
  return issuesIn(source);
}

function issuesIn(source: string): string[] {
  const parsed = parseRunbook(source);
  return parsed.ok ? [] : parsed.issues.map((each) => `${each.line}:${each.column} ${each.message}`);
}

/** What is said of an expression in the `when` of a last command, behind these blocks. */
function saidOf(expression: string, ...before: string[]): string[] {
  const command = `kind: command\nname: last\nscript: ls\nwhen: ${JSON.stringify(expression)}`;
  return issuesOf(...before, command).map((each) => each.replace(/^\d+:\d+ /, ""));
}

const check = "kind: command\nname: check\nscript: ls\noutputs: [version]";
const spread = "kind: command\nname: spread\nscript: ls\ntarget: { mode: all }\noutputs: [version]";
const loop = `kind: foreach
name: loop
items: "[1, 2]"
blocks:
  - { kind: command, name: inner, script: ls, outputs: [x] }
  - { kind: command, name: use, script: ls, env: { A: { expr: item }, B: { expr: steps.inner.outputs.x } } }`;
const choice = `kind: condition
name: choice
if: "true"
then: [{ kind: command, name: yes-it-is, script: ls }]
else: [{ kind: command, name: no, script: ls }]`;

test.each(["GET", "HEAD"])("a %s request with a body is refused where the body stands", (method) => {
  const block = `kind: api\nname: call\nmethod: ${method}\nurl: https://example.com`;
  const words = `a ${method} request has no body; remove it or use another method`;
  expect(issuesOf(`${block}\nbody: text`)).toEqual([`6:1 ${words}`]);
  expect(issuesOf(`${block}\nbody: { json: {} }`)).toEqual([`6:1 ${words}`]);
  expect(issuesOf(block)).toEqual([]);
});

test("a lock that is held around a block cannot be asked for in it", () => {
  const inner = "{ kind: command, name: inner, script: ls, locks: [db] }";
  const words = (holder: string) => `the lock "db" is held by ${holder} then; ask for it in one place only`;
  const around = (locks: string) => `kind: parallel\nname: both\n${locks}branches:\n  - - ${inner}`;
  expect(issuesOf(around("locks: [db]\n"))).toEqual([expect.stringContaining(words('"both"'))]);
  expect(issuesOf(around("locks: [other]\n"))).toEqual([]);
  const block = `\`\`\`farhand\n${around("")}\n\`\`\`\n`;
  expect(issuesIn(`---\nlocks: [db]\n---\n${block}`)).toEqual([
    expect.stringContaining(words("the execution")),
  ]);
  const undo = "compensate: { kind: command, script: ls, locks: [db] }";
  expect(issuesOf(`kind: command\nname: a\nscript: ls\nlocks: [db]\n${undo}`)).toEqual([]);
});

describe("expressions", () => {
  test.each([
    ["1 +", "this expression cannot be read: Unexpected token: EOF"],
    ["unknown == 1", "this expression cannot be read: Unknown variable: unknown"],
    ["foo(1)", "this expression cannot be read: found no matching overload for 'foo(int)'"],
    ["1 + 1", "this expression must be true or false; its result is of type int"],
    ["params.size == 1", 'this runbook has no parameter "size"; it has none'],
    [
      "steps.chekc.state == 'failed'",
      'there is no block "chekc" in this runbook; give the one that is meant this name',
    ],
    ["'check' in steps", 'say which step: steps.check or steps["disk-check"]'],
    [
      "steps.check.outputs.verison == ''",
      '"check" hands on no "verison"; it hands on version; add it to its outputs',
    ],
    ["steps.check.exit == 0", 'a step of "check" has no "exit"; there is state, attempt, outputs, exitCode'],
    [
      "steps.spread.exitCode == 0",
      'a step of "spread" has no "exitCode"; there is state, attempt, outputs, results',
    ],
    [
      "steps.spread.outputs.version == ''",
      '"spread" runs on many agents: its outputs are in the list steps.spread.results',
    ],
    ["agent.nmae == ''", 'an agent has no "nmae"; there is id, name, labels'],
    ["execution.by == ''", 'an execution has no "by"; there is title, startedAt, trigger, actor'],
    ["item == 1", '"item" only means something inside of a foreach'],
    ["steps.last.state == ''", '"last" is this block itself; it has no results before it begins'],
    ["steps.inner.state == ''", '"inner" runs many times in "loop"; its results can only be used in there'],
  ])("%s", (expression, message) => {
    expect(saidOf(expression, check, spread, loop)).toEqual([message]);
  });

  test.each([
    "steps.check.outputs.version > 3",
    "1.5 <= steps.check.outputs.version",
    "steps.check.outputs.version == -1",
    "steps.check.outputs.version == steps.check.exitCode",
    "steps.check.outputs['version'] + 1 == 2",
  ])("an output of a command is no number: %s", (expression) => {
    expect(saidOf(expression, check)).toEqual([
      'outputs of a command are text, so "version" is no number: write int(steps.check.outputs.version)',
    ]);
  });

  test("nor is it one beside a parameter that is a number; beside one that is text it is fine", () => {
    const source = (type: string) =>
      `---\ntitle: x\nparameters:\n  - { name: most, type: ${type} }\n---\n\`\`\`bash {name=disk-check outputs=used}\n:\n\`\`\`\n\`\`\`bash {when="steps[\\"disk-check\\"].outputs.used == params.most"}\n:\n\`\`\`\n`;
    expect(issuesIn(source("number"))).toEqual([
      '9:10 outputs of a command are text, so "used" is no number: write int(steps["disk-check"].outputs.used)',
    ]);
    expect(issuesIn(source("string"))).toEqual([]);
  });

  test("of a step whose name has hyphens say how it is written", () => {
    expect(
      issuesOf(
        "kind: command\nname: disk-check\nscript: ls",
        "kind: command\nscript: ls\nwhen: steps.disk-check.exitCode == 0",
      ),
    ).toEqual([
      '9:1 this expression cannot be read: a name with hyphens stands in brackets: write steps["disk-check"]',
    ]);
  });

  test.each([
    "int(steps.check.outputs.version) > 3",
    "size(steps.check.outputs.version) > 3",
    "steps.check.outputs.version == 'x' && steps.check.exitCode == 0",
    'steps["check"].outputs["version"].matches(\'^1\')',
    "steps.spread.results.all(each, each.outputs.version == 'x')",
    "[1, 2].exists(item, item == 2) && [{'state': 1}].map(steps, steps.state).size() == 1",
    "agent.labels.role == 'web' && execution.trigger == 'manual'",
    "steps[\"yes-it-is\"].state == 'succeeded' || steps.no.state == 'succeeded'",
  ])("nothing is wrong with %s", (expression) => {
    expect(saidOf(expression, check, spread, choice)).toEqual([]);
  });

  test("are found wherever a block has them, each in its line", () => {
    expect(
      issuesOf(
        `{ kind: api, method: POST,
url: { expr: item },
query: { a: { expr: "1 +" } },
headers: {
  x-a: { expr: params.a } },
body: { expr: index } }`,
        "kind: timer\nuntil: { expr: params.b }",
        "kind: runbook\nrunbook: Other\nparameters:\n  x: { expr: params.c }",
        'kind: foreach\nitems: "1"\nblocks:\n  - kind: condition\n    if: "2"\n    then:\n      - kind: command\n        script: ls\n        stdin: { expr: params.d }',
      ),
    ).toEqual([
      '3:8 "item" only means something inside of a foreach',
      "4:15 this expression cannot be read: Unexpected token: EOF",
      '6:10 this runbook has no parameter "a"; it has none',
      '7:9 "index" only means something inside of a foreach',
      '11:10 this runbook has no parameter "b"; it has none',
      '17:8 this runbook has no parameter "c"; it has none',
      "21:1 this expression must give a list; its result is of type int",
      "24:5 this expression must be true or false; its result is of type int",
      '28:18 this runbook has no parameter "d"; it has none',
    ]);
  });

  test("in the braces of a fence", () => {
    expect(issuesIn('```bash {name=a when="params.x"}\nls\n```')).toEqual([
      '1:17 this runbook has no parameter "x"; it has none',
    ]);
  });
});

describe("which steps can be looked at", () => {
  const looking = (at: string, name = "from") =>
    `{ kind: command, name: ${name}, script: ls, when: "steps[\\"${at}\\"].state == ''" }`;
  const plain = (name: string) => `{ kind: command, name: ${name}, script: ls }`;
  const said = (...blocks: string[]) => issuesOf(...blocks).map((each) => each.replace(/^\d+:\d+ /, ""));

  test("not what comes later, nor what is around", () => {
    expect(said(looking("a"), plain("a"))).toEqual(['"a" comes later; use a block that stands above']);
    const inside = `kind: foreach\nname: f\nitems: "[1]"\nblocks:\n  - ${looking("f")}`;
    expect(said(inside)).toEqual(['"f" is a block around this one; it has no results before it ends']);
    expect(said(`kind: condition\nname: c\nif: "steps.a.state == ''"\nthen:\n  - ${plain("a")}`)).toEqual([
      '"a" comes later; use a block that stands above',
    ]);
  });

  test("not the other part of a condition, nor a branch beside", () => {
    expect(
      said(`kind: condition\nname: c\nif: "true"\nthen: [${plain("a")}]\nelse:\n  - ${looking("a")}`),
    ).toEqual(['"a" cannot have run here: it stands in the other part of "c"']);
    expect(said(`kind: parallel\nname: p\nbranches:\n  - [${plain("a")}]\n  - - ${looking("a")}`)).toEqual([
      '"a" runs beside this block, in another branch of "p"',
    ]);
    expect(said(`kind: parallel\nname: p\nbranches: [[${plain("a")}]]`, looking("a"))).toEqual([]);
  });

  test("not another foreach, but the blocks before it in the same one", () => {
    expect(said(loop)).toEqual([]);
    const other = `kind: foreach\nname: other\nitems: "[1]"\nblocks:\n  - ${looking("inner")}`;
    expect(said(loop, other)).toEqual([
      '"inner" runs many times in "loop"; its results can only be used in there',
    ]);
  });

  test("what undoes a block sees all of them, but is seen only at the end", () => {
    const undone = (at: string) => `kind: command\nname: u\nscript: ls\ncompensate: ${looking(at, "undo-u")}`;
    expect(said(undone("u"))).toEqual([]);
    expect(said(undone("later"), plain("later"))).toEqual([]);
    expect(said(undone("u"), looking("undo-u"))).toEqual([
      '"undo-u" only runs once everything else has ended, to undo "u"',
    ]);
    const fence = (block: string) => `\`\`\`farhand\n${block}\n\`\`\`\n`;
    expect(
      issuesIn(`${fence(undone("end"))}<!-- finally -->\n${fence(looking("undo-u", "end"))}`).map((each) =>
        each.replace(/^\d+:\d+ /, ""),
      ),
    ).toEqual(['"end" comes later; use a block that stands above']);
  });
});

describe("fields that contradict each other", () => {
  test.each([
    [
      "kind: command\nscript: ls\nretry: { max-attempts: 2, on: [unknown] }",
      "4:27 after an unknown end only what is `idempotent: true` can be tried again: it may have run",
    ],
    [
      "kind: command\nscript: ls\ntarget:\n  batch: 2\n  pause: 1m",
      '5:3 "batch" only means something with `mode: rolling`',
    ],
    [
      "kind: instruction\nmarkdown: x\nexpires: 1h",
      '4:1 "expires" only means something with `acknowledge: true`',
    ],
    [
      "kind: instruction\nmarkdown: x\nacknowledge: true\nform:\n  - { name: a, type: string }\n  - { name: a, type: number }",
      '7:7 the name "a" is used twice',
    ],
    [
      "kind: approval\nform:\n  - name: a\n    type: number\n    min: 3\n    max: 2",
      "6:5 nothing can be at least 3 and at most 2; swap min and max",
    ],
    [
      "kind: approval\nrequired: 2\nfrom: { people: [ada@example.org, Ada@example.org] }",
      "3:1 2 have to agree, but only 1 may; name more people, or a role",
    ],
    [
      "kind: timer\nuntil: 25:00",
      '3:1 "25:00" is no time: write HH:MM, or an instant such as 2030-01-31T09:00:00Z',
    ],
    [
      "kind: timer\nuntil: 2030-01-31T09:00:00Z\nzone: UTC",
      "4:1 a zone is for a time of day; an instant says its own",
    ],
    [
      "kind: command\nscript: ls\ncompensate:\n  kind: command\n  script: ls\n  target: { mode: all }",
      "7:13 what undoes a block runs on one agent; leave the mode out",
    ],
  ])("%s", (block, issue) => {
    expect(issuesOf(block)[0]).toBe(issue);
  });

  test("what runs at the end is never undone", () => {
    expect(
      issuesIn(
        "<!-- finally -->\n```farhand\nkind: command\nscript: ls\ncompensate: { kind: command, script: ls }\n```\n",
      ),
    ).toEqual(["5:1 what runs at the end is never undone; remove this"]);
  });
});
