import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import type { ApiBlock, Block, CommandBlock } from "#protocol/blocks/index.ts";
import { newId } from "#protocol/ids.ts";
import type { Plan } from "#protocol/plan.ts";
import { NOW, person, plannedBy } from "../testing/signed-plan.ts";
import { addressProblem, hostProblem, networkOf } from "./hosts.ts";
import { blockProblems, type HostFacts, judgePlan, sealedProblem } from "./judge.ts";
import { limitsOf, withinLimits } from "./limits.ts";
import { parsePolicy } from "./parse.ts";
import { DEFAULT_POLICY, type Policy } from "./policy.ts";

/** A policy of these lines; the rule that a test is about stands in its first one, unless it says otherwise. */
function policyOf(text: string): Policy {
  const parsed = parsePolicy(new TextEncoder().encode(text), "/etc/farhand/policy.yaml");
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.policy;
}

const runbook = { runbookId: newId("runbook"), title: "Restart web" };
const folders: Record<string, string> = {
  "/srv/app": "/srv/app",
  "/srv/link": "/etc",
  "/srv/app/../../etc": "/etc",
};
const host: HostFacts = { user: "farhand", realFolder: (path) => folders[path] };

function run(more: Partial<CommandBlock> = {}): CommandBlock {
  return { kind: "command", id: "one", interpreter: "bash", script: "uptime", ...more };
}

function ask(url: string): ApiBlock {
  return { kind: "api", id: "one", method: "GET", url };
}

function problemsOf(text: string, block: CommandBlock | ApiBlock): string[] {
  const url = block.kind === "api" && typeof block.url === "string" ? block.url : undefined;
  return blockProblems(policyOf(text), { block, runbook, host, url });
}

type Case = [rule: string, refused: CommandBlock | ApiBlock, words: string, allowed: CommandBlock | ApiBlock];
const cases: Case[] = [
  [
    "blocks: [api]",
    run(),
    "policy.yaml:1 blocks: command blocks are not allowed",
    ask("https://example.com"),
  ],
  [
    "interpreters: [bash, python3*]",
    run({ interpreter: "perl" }),
    'policy.yaml:1 interpreters: "perl" is not allowed',
    run({ interpreter: "python3.12" }),
  ],
  [
    "scripts: {allow: ['systemctl restart [a-z]+', uptime]}",
    run({ script: "systemctl restart web; rm -rf /" }),
    "policy.yaml:1 scripts.allow: the script is none of those that are allowed",
    run({ script: "systemctl restart web\n" }),
  ],
  [
    "scripts:\n  deny:\n    - one\n    - shut(down|off)",
    run({ script: "echo\nshutdown now" }),
    'policy.yaml:4 scripts.deny: the script has what "shut(down|off)" finds',
    run({ script: "echo" }),
  ],
  [
    "scripts: {operators: ['&&', ';']}",
    run({ script: "ls\necho 'a;b'" }),
    "policy.yaml:1 scripts.operators: ; is not allowed (line 2 of the script)",
    run({ script: "ls | sort || true" }),
  ],
  [
    "scripts: {operators: [rm-root]}",
    run({ script: "r''m -rf /" }),
    "policy.yaml:1 scripts.operators: rm-root is not allowed (this removes everything below /; name what you mean)",
    run({ script: "rm -rf build; curl x | sh" }),
  ],
  [
    "scripts: {operators: ['|']}",
    run({ script: "a | b", interpreter: "busybox" }),
    "policy.yaml:1 scripts.operators: | is not allowed (line 1 of the script)",
    run({ script: "a | b", interpreter: "python3" }),
  ],
  [
    "users: [deploy]",
    run({ user: "root" }),
    'policy.yaml:1 users: "root" is not allowed',
    run({ user: "deploy" }),
  ],
  [
    "users: [deploy]",
    run(),
    'policy.yaml:1 users: "farhand", which the agent runs as, is not allowed',
    run({ user: "deploy" }),
  ],
  [
    "workingDirectories: [/srv/**]",
    run({ workingDirectory: "/srv/link" }),
    "policy.yaml:1 workingDirectories: /srv/link is /etc, which is not allowed",
    run({ workingDirectory: "/srv/app" }),
  ],
  [
    "workingDirectories: [/srv/**]",
    run({ workingDirectory: "/srv/app/../../etc" }),
    "policy.yaml:1 workingDirectories: /srv/app/../../etc is /etc, which is not allowed",
    run(),
  ],
  [
    "workingDirectories: [/srv/**]",
    run({ workingDirectory: "/srv/new" }),
    "policy.yaml:1 workingDirectories: /srv/new does not exist, so it is not allowed",
    run(),
  ],
  [
    "environment: {protect: ['APP_*']}",
    run({ env: { APP_KEY: "x" } }),
    "policy.yaml:1 environment.protect: APP_KEY may not be set",
    run({ env: { VERSION: "x" } }),
  ],
  [
    "environment: {allow: [PYTHONPATH, GIT_DIR]}",
    run({ env: { PYTHONPATH: "x", GIT_SSH_COMMAND: "x" } }),
    "policy.yaml:1 environment.allow: GIT_SSH_COMMAND may not be set unless it is named here",
    run({ env: { PYTHONPATH: "x", GIT_DIR: "x" } }),
  ],
  [
    "hosts: {allow: ['*.example.com']}",
    ask("https://example.org/x"),
    "policy.yaml:1 hosts.allow: example.org is not allowed",
    ask("https://api.example.com/x"),
  ],
  [
    "limits: {timeout: 10m}",
    run({ timeoutMs: 3_600_000 }),
    "policy.yaml:1 limits.timeout: 1h is more than 10m",
    run({ timeoutMs: 600_000 }),
  ],
];

describe("[S7] a rule refuses, says where it stands, and lets the rest be", () => {
  it.each(cases)("%s", (rule, refused, words, allowed) => {
    expect(problemsOf(rule, refused)).toEqual([words]);
    expect(problemsOf(rule, allowed)).toEqual([]);
  });

  it("runbooks, by id or title", () => {
    const words = `policy.yaml:1 runbooks: "Restart web" (${runbook.runbookId}) is not allowed`;
    expect(problemsOf("runbooks: [Backup]", run())).toEqual([words]);
    expect(problemsOf("runbooks: ['Restart *']", run())).toEqual([]);
    expect(problemsOf(`runbooks: [${runbook.runbookId}]`, run())).toEqual([]);
  });

  it("secrets, by name and runbook", () => {
    const text = "secrets:\n  - {names: [db-*], runbooks: ['Restart *']}\n  - {names: [token]}\n";
    const problems = (policy: Policy, secret: string, title = runbook.title) => {
      const block = run({ secrets: { VALUE: secret } });
      return blockProblems(policy, { block, runbook: { ...runbook, title }, host, url: undefined });
    };
    expect(problems(policyOf(text), "db-main")).toEqual([]);
    expect(problems(policyOf(text), "token", "Other")).toEqual([]);
    expect(problems(policyOf(text), "db-main", "Other")).toEqual([
      'policy.yaml:1 secrets: the runbook "Other" may not use the secret db-main',
    ]);
    expect(problems(policyOf("secrets: []"), "token")[0]).toContain("policy.yaml:1 secrets");
    expect(problems(DEFAULT_POLICY, "token")).toEqual([]);
  });

  it("no secret in a protected variable", () => {
    const block = run({ secrets: { LD_PRELOAD: "token" } });
    expect(blockProblems(DEFAULT_POLICY, { block, runbook, host, url: undefined })[0]).toContain(
      "LD_PRELOAD",
    );
  });
});

describe("[S7] environment names that are always protected", () => {
  test.each([
    ...[
      "LD_PRELOAD",
      "LD_LIBRARY_PATH",
      "LD_AUDIT",
      "DYLD_INSERT_LIBRARIES",
      "GLIBC_TUNABLES",
      "NODE_OPTIONS",
    ],
    ...[
      "BASH_ENV",
      "ENV",
      "PATH",
      "IFS",
      "GIT_SSH_COMMAND",
      "GIT_CONFIG_COUNT",
      "PYTHONPATH",
      "PYTHONSTARTUP",
    ],
    ...["PERL5OPT", "PERL5LIB", "RUBYOPT", "PROMPT_COMMAND", "SHELLOPTS", "PS4", "HOME", "JAVA_TOOL_OPTIONS"],
  ])("%s", (name) => {
    const words = `default policy, environment.allow: ${name} may not be set unless it is named here`;
    const block = run({ env: { [name]: "x" } });
    expect(blockProblems(DEFAULT_POLICY, { block, runbook, host, url: undefined })).toEqual([words]);
    expect(problemsOf("users: ['*']", block)).toEqual([words.replace("default policy,", "policy.yaml")]);
  });

  it.each(["VERSION", "NODE_ENV", "PATHS", "MY_PATH", "AWS_REGION", "ENVIRONMENT"])("but not %s", (name) => {
    expect(problemsOf("", run({ env: { [name]: "x" } }))).toEqual([]);
  });
});

describe("[S7] hosts", () => {
  const problem = (rules: string, url: string) => hostProblem(policyOf(rules), new URL(url));

  it.each([
    ["127.0.0.1", "loopback"],
    ["::1", "loopback"],
    ["0.0.0.0", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
    ["169.254.169.254", "metadata"],
    ["::ffff:a9fe:a9fe", "metadata"],
    ["fe80::1%eth0", "metadata"],
    ["fd00:ec2::254", "metadata"],
    ["168.63.129.16", "metadata"],
    ["64:ff9b::a9fe:a9fe", "metadata"],
    ["2002:a9fe:a9fe::1", "metadata"],
    ["10.1.2.3", "private"],
    ["::ffff:10.1.2.3", "private"],
    ["fd12::1", "private"],
    ["100.64.0.1", "private"],
    ["93.184.216.34", "public"],
    ["2606:4700::1111", "public"],
  ])("%s is %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it.each([
    "http://169.254.169.254/",
    "http://2852039166/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://[::ffff:169.254.169.254]/",
    "http://169.254.169.254./",
  ])("what clouds tell their machines is out of reach by default: %s", (url) => {
    expect(problem("", url)).toBe(
      "policy.yaml hosts.networks: 169.254.169.254 is a metadata address".replace(
        "169.254.169.254",
        new URL(url).hostname.replace(/^\[|\]$/g, ""),
      ),
    );
  });

  it.each([
    ["allow: [example.com]", "https://example.com/", true],
    ["allow: [example.com]", "https://EXAMPLE.com.:8443/", true],
    ["allow: [example.com]", "https://api.example.com/", false],
    ["allow: ['*.example.com']", "https://a.b.example.com/", true],
    ["allow: ['*.example.com']", "https://example.com/", false],
    ["allow: ['*.example.com']", "https://evilexample.com/", false],
    ["allow: ['example.com:443']", "https://example.com/", true],
    ["allow: ['example.com:443']", "https://example.com:8443/", false],
    ["allow: ['example.com:443']", "http://example.com/", false],
    ["allow: [10.1.0.0/16]", "http://10.1.9.9/", true],
    ["allow: [10.1.0.0/16]", "http://10.2.0.1/", false],
    ["allow: [10.1.0.0/16]", "http://10.1.9.9.example.com/", false],
    ["allow: ['[fd00::]/8']", "http://[fd12::1]/", true],
    ["allow: ['*'], deny: [10.1.2.3]", "http://10.1.2.3/", false],
    ["allow: ['*'], deny: ['*.internal:22']", "http://a.internal:22/", false],
    ["allow: []", "https://example.com/", false],
    ["networks: [public]", "http://127.0.0.1/", false],
    ["networks: [public]", "http://10.0.0.1/", false],
    ["networks: [public, metadata]", "http://169.254.169.254/", true],
  ])("{%s} and %s: %s", (rules, url, isAllowed) => {
    expect(problem(`hosts: {${rules}}`, url) === undefined).toBe(isAllowed);
  });

  it("judges the address that a name leads to, whatever the name is allowed", () => {
    const policy = policyOf("hosts: {allow: [app.example.com], networks: [public], deny: [93.184.0.0/16]}");
    const url = new URL("https://app.example.com/");
    expect(hostProblem(policy, url)).toBeUndefined();
    expect(addressProblem(policy, url, "10.0.0.1")).toBe(
      "policy.yaml:1 hosts.networks: app.example.com leads to 10.0.0.1, which is a private address",
    );
    expect(addressProblem(policy, url, "93.184.216.34")).toContain("hosts.deny");
    expect(addressProblem(policy, url, "1.1.1.1")).toBeUndefined();
    const closed = policyOf("hosts: {deny: ['10.0.0.0/8:22']}");
    expect(addressProblem(closed, new URL("http://a.internal:22/"), "10.0.0.1")).toContain("hosts.deny");
    expect(addressProblem(closed, new URL("http://a.internal/"), "10.0.0.1")).toBeUndefined();
  });
});

describe("limits", () => {
  it("are handed on in bytes and milliseconds, and are absent where the policy is silent", () => {
    const text =
      "limits: {timeout: 10m, memory: 1GiB, processes: 50, cpu: 1.5, output: 1MiB, slots: 2, spool: 2GiB}";
    expect(limitsOf(policyOf(text))).toEqual({
      ...{ timeoutMs: 600_000, memoryBytes: 1024 ** 3, processes: 50, cpu: 1.5 },
      ...{ outputBytes: 1024 ** 2, slots: 2, spoolBytes: 2 * 1024 ** 3 },
    });
    expect(Object.values(limitsOf(DEFAULT_POLICY)).filter((each) => each !== undefined)).toEqual([]);
  });

  it("cut output, and give a time to blocks that name none", () => {
    const policy = policyOf("limits: {timeout: 10m, output: 1MiB}");
    expect(withinLimits(policy, run())).toMatchObject({ timeoutMs: 600_000, outputLimitBytes: 1024 ** 2 });
    expect(withinLimits(policy, run({ timeoutMs: 5_000, outputLimitBytes: 300_000 }))).toMatchObject({
      ...{ timeoutMs: 5_000, outputLimitBytes: 300_000 },
    });
    const wide = policyOf("limits: {timeout: 7d, output: 1GiB}");
    expect(withinLimits(wide, run())).toMatchObject({
      timeoutMs: 3_600_000,
      outputLimitBytes: 64 * 1024 ** 2,
    });
    expect(withinLimits(DEFAULT_POLICY, run())).toEqual(run());
  });
});

test("[S7] a plan is judged block by block: those inside of others, compensations, `finally`, and runbooks that it starts", () => {
  const bad = (id: string) => run({ id, user: "root" });
  const blocks: Block[] = [
    run({ id: "good", compensate: bad("undo") }),
    { kind: "condition", id: "if", if: "true", then: [bad("inside")] },
    { ...ask("https://example.com"), id: "edge", from: "edge" },
    { ...ask(""), id: "later", url: { expr: "params.url" } },
    { kind: "instruction", id: "words", markdown: "Read" },
  ];
  const procedure = {
    ...{ ...runbook, versionId: newId("version"), versionNumber: 1, versionHash: "0".repeat(64) },
    target: { poolId: newId("pool"), poolName: "p", labels: {} },
  };
  const child = { ...procedure, title: "Child", blocks: [bad("one")], definitions: [] };
  const plan: Plan = {
    ...{ ...procedure, schema: 1, organizationId: newId("organization"), blocks, finally: [bad("end")] },
    ...{ parameters: {}, nonce: "n", expiresAt: 0, runbooks: { [child.versionId]: child } },
  };
  const judged = judgePlan(policyOf("users: [farhand]"), plan, host, NOW);
  expect(judged.map((each) => [each.runbook, each.block, each.problems.length])).toEqual([
    ...[
      ["Restart web", "good", 0],
      ["Restart web", "undo", 1],
      ["Restart web", "inside", 1],
    ],
    ...[
      ["Restart web", "later", 0],
      ["Restart web", "end", 1],
      ["Child", "one", 1],
    ],
  ]);
  expect(judged[3]?.later).toEqual(["the URL is an expression: its host is judged once it is known"]);
});

test("[S6] a plan that its author has not signed is refused before it runs, one that he has is not", async () => {
  const alice = await person("EdDSA");
  const keys = [alice, await person("ES256")].map(
    ({ publicKey }, index) =>
      `{name: p${index}, roles: [${index === 0 ? "author" : "approver"}], publicKey: "${publicKey}"}`,
  );
  const asks = (by: string) => policyOf(`requireSignature:\n  by: ${by}\n  keys: [${keys.join(", ")}]`);
  const signed = await plannedBy(alice);
  const { signed: _, ...unsigned } = signed;
  const judged = (by: string, plan: Plan) => {
    const [first] = judgePlan(asks(by), plan, host, NOW);
    return [first?.problems, first?.later];
  };
  const refused = [
    expect.stringMatching(/^policy\.yaml:1 requireSignature: .* has no signature of its author/),
  ];
  expect(judged("author", unsigned)).toEqual([refused, []]);
  expect(judged("author", signed)).toEqual([[], []]);
  expect(judged("approver", unsigned)).toEqual([[], ["the signature of the approver"]]);
  expect(judged("both", unsigned)).toEqual([refused, ["the signature of the approver"]]);
  const other = { ...signed, title: `${signed.title}!` };
  expect(judged("author", other)[0]).toEqual([expect.stringContaining("is not what was signed")]);
});

const KEYS = `requireSignature:\n  by: author\n  keys: [{name: a, roles: [author], publicKey: "ed25519:${"A".repeat(43)}"}]`;

test.each([
  ["nothing is said", "", undefined],
  ["it is named", "sealed: {accept: [db-*]}", undefined],
  [
    "another is named",
    "sealed: {accept: [web-*]}",
    "policy.yaml:1 sealed.accept: sealed secrets called db-a",
  ],
  ["none is", "sealed: {accept: []}", "policy.yaml:1 sealed.accept: sealed secrets called db-a"],
  ["signatures are asked for", KEYS, "policy.yaml sealed.accept: this host asks for signatures"],
  ["that too, and it is named", `sealed: {accept: ["*"]}\n${KEYS}`, undefined],
])("[S7] a secret comes in sealed as the policy says, where %s", (_, text, words) => {
  const problem = sealedProblem(policyOf(text), "db-a");
  if (words === undefined) expect(problem).toBeUndefined();
  else expect(problem).toContain(words);
});

test("an agent that could start steps as anybody does so for its step user alone, unless `users` says more", () => {
  const problemsFor = (text: string, block: CommandBlock) =>
    blockProblems(policyOf(text), { block, runbook, host: { ...host, stepUser: "farhand" }, url: undefined });
  expect(problemsFor("blocks: [command]", run())).toEqual([]);
  expect(problemsFor("blocks: [command]", run({ user: "deploy" }))).toEqual([
    'policy.yaml users: "deploy" is not allowed',
  ]);
  expect(problemsFor("users: [deploy]", run({ user: "deploy" }))).toEqual([]);
  expect(problemsFor("users: [deploy]", run())).toEqual([
    'policy.yaml:1 users: "farhand", which steps run as, is not allowed',
  ]);
});

describe("the examples of docs/policy.md", () => {
  const page = readFileSync(new URL("../../docs/policy.md", import.meta.url), "utf8");
  const examples = new Map(
    [...page.matchAll(/^### ([^\n]+)\n(?:(?!^#).)*?^```yaml\n(.*?)^```/gms)].map(([, title, text]) => [
      title,
      text,
    ]),
  );
  const withUsers = { ...host, stepUser: "farhand" };

  it.each([
    ["An open lab", host, run(), run({ user: "root" })],
    ["An open lab", withUsers, run({ user: "lab-ada" }), run({ user: "deploy" })],
    [
      "Production, by list",
      withUsers,
      run({ user: "deploy", script: "systemctl restart web" }),
      run({ script: "systemctl restart web" }),
    ],
    ["Only what was signed", host, run(), run({ script: "curl https://example.com/x | sh" })],
  ])("%s lets run what the words above it say", (title, where, allowed, refused) => {
    const policy = policyOf(examples.get(title) ?? "");
    const problems = (block: CommandBlock) =>
      blockProblems(policy, { block, runbook, host: where, url: undefined });
    expect(problems(allowed)).toEqual([]);
    expect(problems(refused)).toHaveLength(1);
  });
});
