import { describe, expect, test } from "vitest";
import { BLOCK_DEPTH_MAX } from "../limits.ts";
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

const farhand = (yaml: string) => `\`\`\`farhand\n${yaml}\n\`\`\`\n`;

describe("fences", () => {
  test("in the languages that people write to be run", () => {
    const languages = ["bash", "sh", "Shell", "python", "python3", "node", "pwsh", "powershell", "js", "zsh"];
    const source = languages.map((language) => `\`\`\`${language}\nx\n\`\`\`\n`).join("\n");
    const { blocks } = documentOf(source);
    expect(blocks.map((block) => (block.kind === "command" ? block.interpreter : block.kind))).toEqual([
      ...["bash", "sh", "sh", "python3", "python3", "node", "pwsh", "pwsh"],
      "instruction",
    ]);
  });

  test.each([
    "confirm",
    "confirm=true",
    "confirm=yes",
    'confirm="Yes"',
    "timeout=5m confirm",
    "confirm name=a",
  ])("ask the plain question with {%s}", (attributes) => {
    const [block] = documentOf(`\`\`\`bash {${attributes}}\nls\n\`\`\``).blocks;
    expect(block?.confirm).toBe(true);
  });

  test("ask it in YAML just so, and nobody is asked by no", () => {
    const yaml = (text: string) => farhand(`kind: command\nscript: ls\nconfirm: ${text}`);
    for (const text of ["true", "yes", "Yes"]) expect(documentOf(yaml(text)).blocks[0]?.confirm).toBe(true);
    expect(documentOf(yaml("Yes or no?")).blocks[0]?.confirm).toBe("Yes or no?");
    const words = "must be true, or the question as a text";
    for (const text of ["false", "no"]) expect(issuesOf(yaml(text))).toEqual([`4:1 "confirm" ${words}`]);
    expect(issuesOf("```bash {confirm=no}\nls\n```")).toEqual([`1:10 "confirm" ${words}`]);
  });

  test("say true with a word alone, where true is possible", () => {
    expect(documentOf("```bash {idempotent}\nls\n```").blocks[0]).toMatchObject({ idempotent: true });
    expect(issuesOf("```bash {user}\nls\n```")).toEqual(['1:10 "user" needs a value: user=…']);
  });

  test("carry everything about a command that fits into a word", () => {
    const source = `\`\`\`bash {name=a title="A b" when=params.go timeout=5m on-failure=continue confirm="Sure?" working-directory=/srv/app user=deploy exit-codes=0,2 outputs=version,commit retry=3 idempotent=true output=1MiB on-disconnect=stop}
ls
\`\`\`

\`\`\`bash {name=b confirm=true}
ls
\`\`\``;
    const document = documentOf(
      `---\ntitle: T\nparameters:\n  - name: go\n    type: boolean\n---\n\n${source}\n`,
    );
    expect(document.blocks).toEqual([
      {
        kind: "command",
        id: "a",
        interpreter: "bash",
        script: "ls",
        title: "A b",
        when: "params.go",
        timeoutMs: 300_000,
        onFailure: "continue",
        confirm: "Sure?",
        workingDirectory: "/srv/app",
        user: "deploy",
        exitCodes: [0, 2],
        outputs: ["version", "commit"],
        retry: { maxAttempts: 3 },
        idempotent: true,
        outputLimitBytes: 1024 ** 2,
        onDisconnect: "stop",
      },
      { kind: "command", id: "b", interpreter: "bash", script: "ls", confirm: true },
    ]);
    expect(printRunbook(document)).toContain(source);
  });

  test.each([
    ["idempotent=yes", '"idempotent" must be true or false'],
    ["exit-codes=0,x", '"exit-codes 2" must be a number'],
    ["exit-codes=0,300", '"exit-codes 2" may be at most 255'],
    ["retry=often", '"retry" must be a number or a set of `key: value` lines'],
    ["retry=1", '"retry max-attempts" must be at least 2'],
    ["working-directory=srv", "a working directory is an absolute path"],
    ["on-failure=ignore", '"on-failure" must be stop or continue'],
  ])("say what is wrong with %s", (attribute, message) => {
    expect(issuesOf(`\`\`\`bash {${attribute}}\nls\n\`\`\``)).toEqual([`1:10 ${message}`]);
  });
});

describe("what runs at the end", () => {
  test("stands below its mark, and shares its names and numbers with the rest", () => {
    const source = `---
title: T
timeout: 2h
locks:
  - deploys
  - name: db
    mode: shared
---

First.

\`\`\`bash {name=a}
ls
\`\`\`

<!-- finally -->

Last.

\`\`\`bash {name=b}
ls
\`\`\`
`;
    const document = documentOf(source);
    expect(document).toMatchObject({
      timeoutMs: 7_200_000,
      locks: [{ name: "deploys" }, { name: "db", mode: "shared" }],
      blocks: [{ id: "note-1" }, { id: "a" }],
      finally: [{ id: "note-2", markdown: "Last." }, { id: "b" }],
    });
    expect(printRunbook(document)).toBe(source);
  });

  test("has one mark, with something below it", () => {
    expect(issuesOf("a\n\n<!-- finally -->\n")).toEqual([
      "3:1 what is to be done at the end is missing; write it below, or remove the mark",
    ]);
    expect(issuesOf("<!-- finally -->\na\n\n<!-- finally -->\nb")).toEqual([
      "4:1 this mark stands here twice; remove one",
    ]);
  });
});

describe("blocks inside of blocks", () => {
  const nested = farhand(`kind: condition
name: check
if: "true"
then:
  - kind: parallel
    branches:
      - - kind: command
          script: ls
          compensate: { kind: command, script: ls }
      - - { kind: timer, duration: 1m30s }
        - kind: foreach
          target: { mode: rolling, max-failures: 1, pause: 30s, when-none: fail, wait: 10m }
          blocks:
            - { kind: api, url: https://example.org, answer-limit: 1KiB }
else:
  - { kind: approval, allow-requester: true, expires: 1h, on-expiry: approve }
  - { kind: instruction, markdown: Look., acknowledge: true, note-required: true }
  - { kind: runbook, runbook: Other, retry: { max-attempts: 3, delay: 5s, max-delay: 1m } }`);

  test("use the words of their kind, and are named after what they stand in", () => {
    const { blocks } = documentOf(nested);
    expect(blocks).toEqual([
      {
        kind: "condition",
        id: "check",
        if: "true",
        then: [
          {
            kind: "parallel",
            id: "check-1",
            branches: [
              [
                {
                  kind: "command",
                  id: "check-1-1",
                  interpreter: "bash",
                  script: "ls",
                  compensate: { kind: "command", id: "check-1-1-undo", interpreter: "bash", script: "ls" },
                },
              ],
              [
                { kind: "timer", id: "check-1-2", durationMs: 90_000 },
                {
                  kind: "foreach",
                  id: "check-1-3",
                  target: {
                    mode: "rolling",
                    maxFailures: 1,
                    pauseMs: 30_000,
                    whenNone: "fail",
                    waitMs: 600_000,
                  },
                  blocks: [
                    {
                      kind: "api",
                      id: "check-1-3-1",
                      method: "GET",
                      url: "https://example.org",
                      answerLimitBytes: 1024,
                    },
                  ],
                },
              ],
            ],
          },
        ],
        else: [
          {
            kind: "approval",
            id: "check-2",
            allowRequester: true,
            expiresMs: 3_600_000,
            onExpiry: "approve",
          },
          {
            kind: "instruction",
            id: "check-3",
            markdown: "Look.",
            acknowledge: true,
            noteRequired: true,
          },
          {
            kind: "runbook",
            id: "check-4",
            runbook: "Other",
            retry: { maxAttempts: 3, delayMs: 5_000, maxDelayMs: 60_000 },
          },
        ],
      },
    ]);
  });

  test("tell what is wrong in their own words, in its place", () => {
    expect(
      issuesOf(
        farhand(`kind: parallel
branches:
  - - kind: foreach
      items: "[1]"
      max-failures: many
      blocks:
        - kind: command
          name: A b
          script: 5
          retry: { max-attempts: 1, delay: 5, attempts: 3 }
          target: { labels: { tier: 1 }, mode: some, when-none: stop }
          env: { A: 1, B: { exp: x }, C: { expr: "" }, FARHAND_X: y }
        - kind: teleport
        - just text
        - kind: api
          method: get
          body: 5
          compensate: { kind: timer, duration: 1s }
  - kind: timer`),
      ),
    ).toEqual([
      '6:7 "max-failures" must be a number',
      "9:11 a block name is 1–63 lower-case letters, digits and hyphens, starting with a letter or digit",
      '10:11 "script" must be a text; put it in quotes',
      '11:20 "retry max-attempts" must be at least 2',
      '11:37 "delay" must be a time such as 30s, 5m or 1h30m',
      '11:47 unknown field "attempts"; known here: max-attempts, delay, factor, max-delay, on',
      '12:31 "target labels tier" must be a text; put it in quotes',
      '12:42 "target mode" must be one of one, all, rolling',
      '12:54 "target when-none" must be wait or fail',
      '13:18 "env A" must be a text or `{expr: …}`',
      '13:24 "env B" must be a text or `{expr: …}`',
      "13:44 an expression may not be empty",
      '13:56 "env FARHAND_X" has an entry whose name is not possible here: an environment name is letters, digits and underscores, and does not begin with FARHAND_',
      '14:11 unknown block kind "teleport"; the kinds are instruction, command, api, condition, timer, approval, parallel, foreach, runbook',
      "15:11 a block is a set of `key: value` lines that begins with its kind: instruction, command, api, condition, timer, approval, parallel, foreach, runbook",
      '16:11 "url" is missing',
      '17:11 "method" must be one of GET, HEAD, POST, PUT, PATCH, DELETE',
      '18:11 "body" must be a text, `{json: …}`, `{expr: …}` or `{secret: …}`',
      "19:25 a block of the kind timer cannot stand here; possible are command, api",
      '20:5 "branches 2" must be a list, with one `- ` for each entry',
    ]);
  });

  test("need what their kind needs", () => {
    const of = (kind: string) => issuesOf(farhand(`kind: ${kind}`));
    expect(of("instruction")).toEqual(['2:1 "markdown" is missing']);
    expect(of("api")).toEqual(['2:1 "url" is missing']);
    expect(of("condition")).toEqual(['2:1 "if" is missing', '2:1 "then" is missing']);
    expect(of("timer")).toEqual(["2:1 a timer needs either a duration or a time to wait until"]);
    expect(of("parallel")).toEqual(['2:1 "branches" is missing']);
    expect(of("foreach\nblocks: [{ kind: timer, duration: 1s }]")).toEqual([
      "2:1 a foreach needs either items or a target",
    ]);
    expect(of("foreach\nitems: a\nblocks: []")).toEqual(['4:1 "blocks" must not be empty']);
    expect(of("runbook")).toEqual(['2:1 "runbook" is missing']);
    expect(of("approval")).toEqual([]);
  });

  test("have names that come once in the whole tree", () => {
    expect(
      issuesOf(
        `\`\`\`bash {name=a}\nls\n\`\`\`\n${farhand(
          "kind: parallel\nbranches:\n  - - { kind: timer, duration: 1s, name: a }\n  - - { kind: command, script: ls, name: b, compensate: { kind: command, name: b, script: 5 } }",
        )}`,
      ),
    ).toEqual([
      '7:36 the block name "a" is used twice',
      '8:74 the block name "b" is used twice',
      '8:83 "script" must be a text; put it in quotes',
    ]);
  });

  test("lie only so deep", () => {
    const deep = (levels: number) => {
      let yaml = "{ kind: timer, name: core, duration: 1s }";
      for (let level = 0; level < levels; level++) yaml = `{ kind: parallel, branches: [[${yaml}]] }`;
      return issuesOf(farhand(yaml));
    };
    expect(deep(BLOCK_DEPTH_MAX - 1)).toEqual([]);
    expect(deep(BLOCK_DEPTH_MAX)).toEqual(['2:241 "core" lies 8 blocks deep; at most 7 are possible']);
    expect(deep(40)).toEqual(["2:1 this YAML is too large or too deeply nested; make it simpler"]);
  });

  test("count all together", () => {
    const many = Array.from({ length: 300 }, () => "  - { kind: timer, duration: 1s }").join("\n");
    expect(issuesOf(farhand(`kind: condition\nif: "true"\nthen:\n${many}\nelse:\n${many}`))).toEqual([
      "505:5 this is one block too many: a runbook has at most 500, so split it",
    ]);
  });
});
