import { describe, expect, test } from "vitest";
import type { RunbookDocument } from "./document.ts";
import { parseRunbook, printRunbook } from "./markdown.ts";

function documentOf(source: string): RunbookDocument {
  const parsed = parseRunbook(source);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues, null, 2));
  return parsed.document;
}

/** Issues as `line:column message`. */
function issuesOf(source: string): string[] {
  const parsed = parseRunbook(source);
  return parsed.ok ? [] : parsed.issues.map((each) => `${each.line}:${each.column} ${each.message}`);
}

function commandsOf(source: string) {
  return documentOf(source).blocks.filter((block) => block.kind === "command");
}

describe("a plain wiki page", () => {
  const page = `# Restart *the* web tier

Tell the channel first.

## Check

\`\`\`bash
uptime
\`\`\`

## Restart it!

\`\`\`sh
systemctl restart web
\`\`\`

\`\`\`shell
curl -fsS localhost/health
\`\`\`

Look at the dashboard:

\`\`\`json
{"bash": "not a step"}
\`\`\`
`;

  test("becomes prose and commands, with its first heading as the title", () => {
    const document = documentOf(page);
    expect(document.title).toBe("Restart the web tier");
    expect(document.parameters).toEqual([]);
    expect(document.target).toEqual({});
    expect(document.blocks).toEqual([
      { kind: "instruction", id: "note-1", markdown: "Tell the channel first.\n\n## Check" },
      { kind: "command", id: "check", title: "Check", interpreter: "bash", script: "uptime" },
      { kind: "instruction", id: "note-2", markdown: "## Restart it!" },
      {
        kind: "command",
        id: "restart-it",
        title: "systemctl restart web",
        interpreter: "sh",
        script: "systemctl restart web",
      },
      {
        kind: "command",
        id: "restart-it-2",
        title: "curl -fsS localhost/health",
        interpreter: "sh",
        script: "curl -fsS localhost/health",
      },
      {
        kind: "instruction",
        id: "note-3",
        markdown: 'Look at the dashboard:\n\n```json\n{"bash": "not a step"}\n```',
      },
    ]);
  });

  test("means the same with CRLF, a byte order mark and tabs", () => {
    expect(documentOf(`\uFEFF${page.replaceAll("\n", "\r\n")}`)).toEqual(documentOf(page));
    expect(commandsOf("```bash\n\techo tab\n```")[0]?.script).toBe("\techo tab");
  });

  test("runs steps that are numbered, quoted or nested", () => {
    const document = documentOf(`1. Stop it:

   \`\`\`bash
   if true; then
     systemctl stop web
   fi
   \`\`\`

   Wait until it is gone.
2. \`\`\`bash
   systemctl start web
   \`\`\`
   - deeper:
     ~~~sh
     true
     ~~~

> \`\`\`bash
> echo quoted
> \`\`\`
`);
    expect(
      document.blocks.map((block) =>
        block.kind === "command" ? block.script : "markdown" in block && block.markdown,
      ),
    ).toEqual([
      "1. Stop it:",
      "if true; then\n  systemctl stop web\nfi",
      "Wait until it is gone.",
      "systemctl start web",
      "- deeper:",
      "true",
      "echo quoted",
    ]);
  });

  test("leaves alone what is not a fence of its own", () => {
    expect(commandsOf("<!--\n```bash\nrm -rf /\n```\n-->")).toEqual([]);
    expect(commandsOf("    ```bash\n    indented code\n    ```")).toEqual([]);
    expect(commandsOf("````md\n```bash\nls\n```\n````")).toEqual([]);
    expect(commandsOf("```console\n$ ls\n```")).toEqual([]);
  });

  test("takes what other tools write after the language for theirs", () => {
    const names = commandsOf('```Bash {1,3-5}\na\n```\n```bash title="x.sh" linenums\nb\n```').map(
      (b) => b.id,
    );
    expect(names).toEqual(["step-1", "step-2"]);
  });

  test("shows its title once, also with prose above it", () => {
    const proseOf = (source: string) =>
      documentOf(source).blocks.map((block) => ("markdown" in block ? block.markdown : block.id));
    expect(proseOf("Read this.\n\n# Title\n\nAnd this.\n")).toEqual(["Read this.\n\n\n\nAnd this."]);
    expect(proseOf("Read this.\n\nTitle\n=====\n")).toEqual(["Read this."]);
    const named = documentOf("Read this.\n\n## Check\n\n```bash\nls\n```\n\n## Check\n");
    expect(named.title).toBe("Check");
    expect(proseOf("Read this.\n\n## Check\n\n```bash\nls\n```\n\n## Check\n")).toEqual([
      ...["Read this.", "check", "## Check"],
    ]);
    expect(proseOf("- # Listed\n")).toEqual(["- # Listed"]);
    expect(proseOf("---\ntitle: Other\n---\nRead.\n\n# Kept\n")).toEqual(["Read.\n\n# Kept"]);
  });

  test("may have no heading, no prose, or nothing at all", () => {
    expect(documentOf("").title).toBe("Untitled runbook");
    expect(documentOf("---\n\nrules and text\n").blocks).toHaveLength(1);
    expect(documentOf("words\n\nSetext\n===\n").title).toBe("Setext");
    expect(documentOf(`# ${"long ".repeat(90)}`).title).toHaveLength(200);
    expect(documentOf("# Проверка\n\n## Шаг\n\n```bash\nx\n```").blocks[1]?.id).toBe("step-1");
  });
});

describe("what a step without a name is called", () => {
  const called = (source: string) =>
    documentOf(source).blocks.flatMap(({ kind, id, title }) =>
      kind === "instruction" ? [] : [`${id}: ${title}`],
    );
  const fence = (script: string) => `\`\`\`bash\n${script}\n\`\`\`\n`;

  test("its heading", () => {
    expect(called(`# T\n\n## 1. Diagnose *it*\n\n${fence("uptime")}`)).toEqual([
      "1-diagnose-it: 1. Diagnose it",
    ]);
    const twice = `# T\n\n## Check\n\n${fence("a")}\n## Check\n\n${fence("b")}`;
    expect(called(twice)).toEqual(["check: Check", "check-2: Check"]);
    const timer = "```farhand\nkind: timer\nduration: 5s\n```\n";
    expect(called(`# T\n\n## Wait\n\n${timer}`)).toEqual(["wait: Wait"]);
  });

  test("what its script begins with, where several stand below one heading or none does", () => {
    const scripts = [
      "#!/bin/bash\nset -euo pipefail\n\n# Who is it?\nwho",
      `  kubectl   get pods ${"x".repeat(100)}`,
      "set -e",
      "df -h",
      "df -h",
    ];
    const page = `# T\n\n## Look\n\n${scripts.map(fence).join("\n")}`;
    expect(called(page)).toEqual([
      "look: Who is it?",
      `look-2: kubectl get pods ${"x".repeat(42)}…`,
      "look-3: Look 3",
      "look-4: df -h",
      "look-5: Look 5",
    ]);
    expect(called(fence("uptime -p"))).toEqual(["step-1: uptime -p"]);
  });

  test("what it was given, and nothing is made up beside a name", () => {
    expect(called("## A\n\n```bash {name=b}\nls\n```\n")).toEqual(["b: undefined"]);
    expect(called("# T\n\n## A\n\n```bash {title=C}\nls\n```\n")).toEqual(["a: C"]);
  });

  test("in plain letters", () => {
    expect(called(`# T\n\n## Große Übersicht, Øl & Æther łódź\n\n${fence("x")}`)[0]).toBe(
      "grosse-ubersicht-ol-aether-lodz: Große Übersicht, Øl & Æther łódź",
    );
  });

  test("and stays so when it is printed", () => {
    const first = documentOf(`# T\n\n## Look *up*\n\n${fence("a")}\n${fence("b")}`);
    expect(documentOf(printRunbook(first))).toEqual(first);
  });
});

describe("everything else the format can say", () => {
  test("front matter, attributes, markers and YAML blocks", () => {
    const document = documentOf(`---
title: Rotate the certificate
description: Twice a year.
parameters:
  - { name: host, type: string, pattern: "[a-z.]+" }
  - { name: days, type: number, default: 90, min: 1 }
target:
  pool: prod-eu
  labels: { role: web }
---
# Kept

\`\`\`bash {name=check timeout=1m30s title="Is it \\"up\\"?" output=1GiB on-disconnect=stop}
true
\`\`\`

<!-- name=careful -->
Look twice.

\`\`\`farhand
kind: command
name: rotate
timeout: 2h
script: |
  echo one
  echo two
\`\`\`

\`\`\`farhand
kind: instruction
markdown: Done.
\`\`\`
`);
    expect(document.target).toEqual({ pool: "prod-eu", labels: { role: "web" } });
    expect(document.parameters.map((each) => each.name)).toEqual(["host", "days"]);
    expect(document.blocks).toEqual([
      { kind: "instruction", id: "note-1", markdown: "# Kept" },
      {
        kind: "command",
        id: "check",
        interpreter: "bash",
        title: 'Is it "up"?',
        script: "true",
        timeoutMs: 90_000,
        outputLimitBytes: 1024 ** 3,
        onDisconnect: "stop",
      },
      { kind: "instruction", id: "careful", markdown: "Look twice." },
      {
        kind: "command",
        id: "rotate",
        interpreter: "bash",
        script: "echo one\necho two\n",
        timeoutMs: 7_200_000,
      },
      { kind: "instruction", id: "note-3", markdown: "Done." },
    ]);
  });
});

describe("what is wrong is told with line and column", () => {
  test("all of it at once, in the order of the source", () => {
    expect(
      issuesOf(`---
titel: x
parameters:
  - name: 9lives
    type: string
  - name: mode
    type: choise
  - name: size
    type: number
    deflt: 3
target:
  labels:
    tier: 1
---
\`\`\`bash {name=Check timeout=soon nmae=x}
true
\`\`\`
\`\`\`bash {timeout=1ms}
\`\`\`
`),
    ).toEqual([
      '2:1 unknown field "titel"; known here: title, description, parameters, target, timeout, locks',
      "4:5 a parameter name is letters, digits and underscores, starting with a letter",
      '7:5 "parameters 2 type" must be one of string, number, boolean, choice',
      '10:5 unknown field "deflt"; known here: name, description, required, type, default, min, max',
      '13:5 "target labels tier" must be a text; put it in quotes',
      "15:10 a block name is 1–63 lower-case letters, digits and hyphens, starting with a letter or digit",
      '15:21 "timeout" must be a time such as 30s, 5m or 1h30m',
      '15:34 unknown attribute "nmae"; a command block knows name, title, when, timeout, on-failure, confirm, secrets, working-directory, user, exit-codes, outputs, retry, idempotent, output, on-disconnect',
      "18:1 a command block needs a script",
      '18:10 "timeout" must be at least 1s',
    ]);
  });

  test.each([
    ["text\n\n```bash\nls\n", "3:1 this code block is never closed: end it with a line of ```"],
    ["- ~~~js\n  x\n\nnext", "1:3 this code block is never closed: end it with a line of ~~~"],
    ["ok\n a\0b", "2:3 a NUL character stands here; remove it, and check that the file is text in UTF-8"],
    ["---\ntitle: x\n", "1:1 the front matter is never closed; end it with a line of ---"],
    [
      "---\n- a\n---\n",
      "2:1 front matter is a set of `key: value` lines: title, description, parameters, target, timeout, locks",
    ],
    [
      '---\ntitle: "x\n---\n',
      '2:10 this is not valid YAML: Missing closing "quote; close the quote or bracket, or put the whole value in quotes',
    ],
    [
      "---\ntitle: a: b\n---\n",
      '2:8 this is not valid YAML: Nested mappings are not allowed in compact mappings; put a value that holds ": " in quotes',
    ],
    ["---\ntitle: &t x\n---\n", "2:11 anchors (&name) are not supported; remove it"],
    ["---\ntitle: !!str x\n---\n", "2:14 the tag tag:yaml.org,2002:str is not supported; remove it"],
    ["---\ntitle: a\ntitle: b\n---\n", '3:1 "title" stands here twice; remove one'],
    ["---\n__proto__: a\n---\n", '2:1 "__proto__" cannot be a key; choose another name'],
    ["---\ntarget: { __proto__: x }\n---\n", '2:11 "__proto__" cannot be a key; choose another name'],
    ["---\ntarget: { constructor: x }\n---\n", '2:11 unknown field "constructor"; known here: pool, labels'],
    ["---\nparameters: yes\n---\n", '2:1 "parameters" must be a list, with one `- ` for each entry'],
    [
      "---\nparameters:\n  - name: a\n    type: string\n    pattern: '.{0,999}x.{0,999}x'\n---\n",
      '5:5 the pattern of "a" is too large: it has over 2000 instructions, where a counted repeat such as {1,63} counts as often as it repeats; use * or +',
    ],
    [
      "---\nparameters:\n  - name: a\n    type: string\n    pattern: x\n    default: y\n---\n",
      '6:5 the default of "a" does not fit: "a" must match x',
    ],
    ["```bash name=x\nls\n```", "1:9 put attributes in braces: {name=x}"],
    [
      "```bash {name=x\nls\n```",
      '1:16 attributes are written {name=check timeout=30s title="Some words"}; this is none',
    ],
    ["```bash {name=a name=b}\nls\n```", '1:17 "name" stands here twice; remove one'],
    ["```bash {name=a}\nls\n```\n\n```sh {name=a}\nls\n```", '5:8 the block name "a" is used twice'],
    ["```bash {on-disconnect=wait}\nls\n```", '1:10 "on-disconnect" must be continue or stop'],
    ["```bash {output=1KiB}\nls\n```", '1:10 "output" must be at least 256KiB'],
    [
      "1. x\n   ```farhand\n   kind: teleport\n   ```",
      '3:4 unknown block kind "teleport"; the kinds are instruction, command, api, condition, timer, approval, parallel, foreach, runbook',
    ],
    [
      "```farhand\nscript: x\n```",
      "2:1 this block has no kind; the kinds are instruction, command, api, condition, timer, approval, parallel, foreach, runbook",
    ],
    [
      "```farhand\njust words\n```",
      "1:1 a block is a set of `key: value` lines that begins with its kind: instruction, command, api, condition, timer, approval, parallel, foreach, runbook",
    ],
    ["```farhand\nkind: command\n```", '2:1 "script" is missing'],
    [
      "```farhand\nkind: command\nscript: ls\ntimeoutMs: 5\n```",
      '4:1 unknown field "timeoutMs"; known here: kind, name, title, when, timeout, on-failure, confirm, locks, interpreter, env, secrets, working-directory, user, stdin, exit-codes, outputs, retry, idempotent, target, output, on-disconnect, script, compensate',
    ],
    [
      "<!-- name=x -->\n",
      "1:1 this names the prose below it, but there is none; write some or remove the comment",
    ],
    [
      "<!-- name=Xx -->\nhi",
      "1:1 a block name is 1–63 lower-case letters, digits and hyphens, starting with a letter or digit",
    ],
    [`${"> ".repeat(120)}x`, "1:1 lists and quotes are nested too deeply here; use fewer levels"],
  ])("%j", (source, issue) => {
    expect(issuesOf(source)).toEqual([issue]);
  });

  test("a runbook over its limits", () => {
    expect(issuesOf("x".repeat(512 * 1024 + 1))).toEqual([
      "1:1 the source has 513 KiB; at most 512 KiB, so split it",
    ]);
    expect(issuesOf("```sh\n:\n```\n".repeat(501))).toEqual([
      "1501:1 this is one block too many: a runbook has at most 500, so split it",
    ]);
    expect(issuesOf("```sh\n```\n".repeat(100)).at(-1)).toBe("101:1 and 50 more; fix the ones above first");
  });
});
