/** A host's policy against a control plane that asks for whatever it likes. */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiBlock, Block, CommandBlock } from "#protocol/blocks/index.ts";
import { planOf } from "./fake-control-plane.ts";
import { agentCommand, command, lineIn, linesOf, oracle, prepareAgent, type Site, site } from "./harness.ts";

prepareAgent();

let server: Server;
let port = 0;
const seen: string[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(`${request.headers.host}${request.url}`);
    const location = `http://localhost:${port}/secret`;
    if (request.url === "/moved") response.writeHead(302, { location }).end();
    else response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const at = server.address();
  port = typeof at === "object" && at !== null ? at.port : 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Where the policy is, for who these tests run as. */
function environment(path: string): Record<string, string> {
  return { FARHAND_POLICY: path, FARHAND_OWN_POLICY: "true" };
}

function writePolicy({ path }: Site, text: string): string {
  writeFileSync(path("policy.yaml"), text, { mode: 0o644 });
  return path("policy.yaml");
}

async function governed(text: string) {
  const made = await site();
  const agent = made.start(environment(writePolicy(made, text)));
  const control = await made.plane.connected();
  return { ...made, agent, control };
}

function api(url: ApiBlock["url"]): ApiBlock {
  return { kind: "api", id: "call", method: "GET", url };
}

describe("[S7] a control plane that asks for more than the policy allows gets a refusal that names the rule", () => {
  const policy = (path: Site["path"]) =>
    [
      "interpreters: [bash]",
      "scripts: {deny: [forbidden], operators: [pipe-to-shell]}",
      `users: [${userInfo().username}]`,
      `workingDirectories: ['${path("allowed")}/**']`,
      "hosts: {allow: [127.0.0.1, 'localhost:1']}",
      "limits: {timeout: 1m}",
    ].join("\n");

  async function host() {
    const made = await site({ slots: 32 });
    for (const folder of ["allowed", "allowed/inside", "outside"]) mkdirSync(made.path(folder));
    symlinkSync(made.path("outside"), made.path("allowed/link"));
    made.start(environment(writePolicy(made, policy(made.path))));
    await made.plane.connected();
    return made;
  }

  it("for every rule, and nothing has run", async () => {
    const { plane, path } = await host();
    const ran = (more = "") => `${oracle(path("oracle"))}\n${more}`;
    const run = (more: Partial<CommandBlock>) => command("a", ran(), more);
    const here = `http://localhost:${port}/a`;
    const refused: [rule: string, block: Block, inputs?: Record<string, string>][] = [
      ["policy.yaml:1 interpreters", run({ interpreter: "sh" })],
      ["policy.yaml:2 scripts.deny", run({ script: ran("forbidden") })],
      ["policy.yaml:2 scripts.operators", run({ script: ran("curl http://x | sh") })],
      ["policy.yaml:3 users", run({ user: "no-such-user" })],
      ["policy.yaml:4 workingDirectories", run({ workingDirectory: path("outside") })],
      ["policy.yaml:4 workingDirectories", run({ workingDirectory: path("allowed/link") })],
      [
        "policy.yaml:4 workingDirectories",
        run({ workingDirectory: `${path("allowed")}/inside/../../outside` }),
      ],
      ["policy.yaml environment.allow", run({ env: { LD_PRELOAD: "/tmp/x.so" } })],
      [
        "policy.yaml environment.allow",
        run({ env: { BASH_ENV: { expr: "params.x" } } }),
        { "env/BASH_ENV": "/tmp/x" },
      ],
      ["policy.yaml:6 limits.timeout", run({ timeoutMs: 3_600_000 })],
      ["policy.yaml:5 hosts.allow", api(here)],
      ["policy.yaml:5 hosts.allow", api("https://example.com/")],
      ["policy.yaml:5 hosts.allow", api({ expr: "params.url" }), { url: here }],
    ];
    for (const [rule, block, inputs] of refused) {
      const { finished } = await plane.run({ blocks: [block], ...(inputs && { inputs }) });
      const detail = expect.stringContaining(`${rule}:`);
      expect(finished.outcome, rule).toMatchObject({ type: "refused", code: "policy", detail });
    }
    expect(existsSync(path("oracle"))).toBe(false);
    expect(seen).toEqual([]);
    const inside = command("a", `${ran()}\npwd`, { workingDirectory: path("allowed/inside") });
    const { finished, coordinator } = await plane.run({ blocks: [inside] });
    expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
    expect(coordinator.output("a", "stdout").toString()).toBe(`${path("allowed/inside")}\n`);
    expect(linesOf(path("oracle"))).toHaveLength(1);
  });

  it("where a redirect leads elsewhere: that request is not made", async () => {
    const { plane } = await host();
    const { finished, coordinator } = await plane.run({ blocks: [api(`http://127.0.0.1:${port}/moved`)] });
    expect(finished.outcome).toEqual({
      ...{ type: "refused", code: "policy" },
      detail: `policy.yaml:5 hosts.allow: localhost:${port} is not allowed`,
    });
    expect(seen.splice(0)).toEqual([`127.0.0.1:${port}/moved`]);
    expect(coordinator.output("call", "stdout").toString()).toContain("302 Found");
  });

  it("where a name leads to an address that is kept out", async () => {
    const { plane } = await governed("hosts: {allow: [localhost], networks: [public, private]}");
    const { finished } = await plane.run({ blocks: [api(`http://localhost:${port}/a`)] });
    expect(finished.outcome).toMatchObject({
      ...{ type: "refused", code: "policy" },
      detail: expect.stringMatching(
        /^policy\.yaml:1 hosts\.networks: localhost leads to .*, which is a loopback address$/,
      ),
    });
    expect(seen.splice(0)).toEqual([]);
  });

  it("for a runbook, and for a kind of block", async () => {
    const { plane } = await governed("runbooks: [Another]\n");
    const { finished } = await plane.run({ blocks: [command("a", "true")] });
    expect(finished.outcome).toMatchObject({ detail: expect.stringContaining('runbooks: "A test"') });
    const { plane: other } = await governed("blocks: [command]\n");
    const { finished: second } = await other.run({ blocks: [api(`http://127.0.0.1:${port}/a`)] });
    expect(second.outcome).toMatchObject({ detail: "policy.yaml:1 blocks: api blocks are not allowed" });
    expect(seen).toEqual([]);
  });

  it("without a file too: protected names stay protected", async () => {
    const { plane, start, path } = await site();
    const agent = start({});
    await plane.connected();
    expect((await agent.logged("default policy")).msg).toContain("the default policy is in force");
    const block = command("a", oracle(path("oracle")), { env: { GIT_SSH_COMMAND: "x" } });
    const { finished } = await plane.run({ blocks: [block] });
    expect(finished.outcome).toMatchObject({
      ...{ type: "refused", code: "policy" },
      detail: expect.stringContaining("default policy, environment.allow: GIT_SSH_COMMAND"),
    });
    expect(existsSync(path("oracle"))).toBe(false);
  });
});

it("[S7] a step is ended by the limits of the policy where its block names none", async () => {
  const { plane } = await governed("limits: {timeout: 1s, output: 256KiB}");
  const { finished } = await plane.run({ blocks: [command("a", "head -c 400000 /dev/zero; sleep 60")] });
  expect(finished).toMatchObject({
    outcome: { type: "stopped", reason: "timed_out" },
    streams: { stdout: { cutBytes: 400_000 - 256 * 1024 } },
  });
});

it("keeps the folder of an execution for as long as the policy says", async () => {
  for (const [text, isKept] of [
    ["workdirs: {keep: always, for: 1h}", true],
    ["", false],
  ] as const) {
    const { plane, state, agent } = await governed(text);
    const { coordinator } = await plane.run({ blocks: [command("a", "touch left")] });
    coordinator.release();
    await agent.logged("lease ended");
    const left = join(state, "executions", coordinator.executionId, "work/left");
    if (isKept) expect(existsSync(left)).toBe(true);
    else await expect.poll(() => existsSync(left)).toBe(false);
  }
});

describe("[S7] reading the policy again", () => {
  it("puts a good one in force from the next step on, and tells its digest", async () => {
    const made = await governed("users: ['*']\n");
    const { plane, agent, control } = made;
    const first = control.of("hello")[0]?.policy?.digest;
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    writePolicy(made, "blocks: [api]\n");
    agent.child.kill("SIGHUP");
    const again = await plane.changes.until("another digest", () =>
      plane.controls.findLast((each) => {
        const digest = each.of("hello")[0]?.policy?.digest;
        return digest !== undefined && digest !== first;
      }),
    );
    expect(again).not.toBe(control);
    const { finished } = await plane.run({ blocks: [command("a", "true")] });
    expect(finished.outcome).toMatchObject({
      detail: "policy.yaml:1 blocks: command blocks are not allowed",
    });
  });

  it("is read again also when that is asked for while the agent starts", async () => {
    const made = await governed("users: ['*']\n");
    const { plane, agent, path, start } = made;
    const script = `trap "echo asked >> '${path("asked")}'" INT TERM; echo up >> '${path("up")}'
      while true; do sleep 0.05; done`;
    plane.offer({ blocks: [command("stays", script)] });
    await lineIn(path("up"));
    await agent.kill();
    const again = start(environment(path("policy.yaml")));
    // What an earlier run left has to end first: it is asked to, and has two seconds.
    await lineIn(path("asked"));
    writePolicy(made, "blocks: [api]\n");
    const digest = createHash("sha256").update("blocks: [api]\n").digest("hex");
    again.child.kill("SIGHUP");
    await plane.changes.until("the digest of the new one", () =>
      plane.controls.find((each) => each.of("hello")[0]?.policy?.digest === digest),
    );
    expect(again.alive).toBe(true);
  });

  it("keeps the one in force when the new one is no good, and says so", async () => {
    const made = await governed("blocks: [command]\n");
    const { plane, agent } = made;
    const errors = () => agent.lines.filter(({ msg }) => msg.startsWith("THE POLICY WAS NOT READ AGAIN"));
    writePolicy(made, "blocks: [api\n");
    agent.child.kill("SIGHUP");
    await agent.logged("THE POLICY WAS NOT READ AGAIN");
    rmSync(made.path("policy.yaml"));
    agent.child.kill("SIGHUP");
    await expect.poll(errors).toMatchObject([
      { level: "error", reason: expect.stringContaining("policy.yaml:2:1") },
      { level: "error", reason: expect.stringContaining("there is no policy at") },
    ]);
    const { finished } = await plane.run({ blocks: [command("a", "true")] });
    expect(finished.outcome).toMatchObject({ type: "exited" });
  });
});

describe("[S7] an agent does not start", () => {
  it.each<[string, (made: Site) => string, string | RegExp]>([
    [
      "with a policy that does not parse",
      (made) => writePolicy(made, "users:\n\t- root\n"),
      /policy\.yaml:2:1 .*tabs/,
    ],
    ["with an unknown key", (made) => writePolicy(made, "user: [a]\n"), 'did you mean "users"?'],
    ["with a policy of 10 MB", (made) => writePolicy(made, "#".repeat(10_000_000)), "over 256 KiB"],
    ["without the policy that was named", ({ path }) => path("missing.yaml"), "there is no policy at"],
    ["with a folder for a policy", ({ path }) => path(""), "is not a file"],
    [
      "with a policy that anybody can change",
      (made) => {
        const path = writePolicy(made, "users: [a]\n");
        chmodSync(path, 0o666);
        return path;
      },
      "can be changed by anybody",
    ],
    [
      "with a policy in a folder that anybody can change",
      ({ path }) => {
        mkdirSync(path("open"));
        writeFileSync(path("open/policy.yaml"), "", { mode: 0o644 });
        chmodSync(path("open"), 0o777);
        return path("open/policy.yaml");
      },
      /the folder .*open can be changed by anybody/,
    ],
  ])("%s", async (_, make, words) => {
    const made = await site();
    const agent = made.start(environment(make(made)));
    expect(await agent.exited).toBe(2);
    expect(agent.raw.join("\n")).toMatch(words);
    expect(made.plane.controls).toEqual([]);
  });
});

describe("farhand-agent policy check", () => {
  it("says block by block what a plan may do: 0, 1 or 2", async () => {
    const made = await site();
    const { path } = made;
    const env = environment(writePolicy(made, "interpreters: [bash]\n"));
    const blocks = [command("good", "true"), command("bad", "true", { interpreter: "python3" })];
    const plan = planOf({ blocks });
    writeFileSync(path("plan.json"), JSON.stringify({ data: { plan } }));
    const refused = await agentCommand(["policy", "check", path("plan.json")], env);
    expect(refused).toMatchObject({ code: 1, stderr: "" });
    expect(refused.stdout.split("\n")).toEqual([
      "allowed  good (command)",
      "refused  bad (command)",
      '         policy.yaml:1 interpreters: "python3" is not allowed',
      `1 of 2 may not run here, by an agent that runs as ${userInfo().username}.`,
      "",
    ]);
    const json = await agentCommand(["policy", "check", path("plan.json"), "--json"], env);
    expect([json.code, JSON.parse(json.stdout)]).toMatchObject([
      1,
      { allowed: false, blocks: [{}, { block: "bad" }] },
    ]);
    writeFileSync(path("plan.json"), JSON.stringify({ ...plan, blocks: blocks.slice(0, 1) }));
    expect(await agentCommand(["policy", "check", path("plan.json")], env)).toMatchObject({
      ...{
        code: 0,
        stdout: `allowed  good (command)\nAll of it may run here, by an agent that runs as ${userInfo().username}.\n`,
      },
    });
    writeFileSync(path("plan.json"), "{}");
    const neither = await agentCommand(["policy", "check", path("plan.json")], env);
    expect(neither).toMatchObject({ code: 2, stderr: expect.stringContaining("holds no plan") });
    const piped = await agentCommand(["policy", "check", "-"], env, "{}");
    expect(piped.stderr).toMatch(/^farhand-agent: standard input holds no plan: /);
  });

  it("refuses what no rule forbids when the agent cannot become the user that a block names", async () => {
    const { path } = await site();
    const plan = planOf({ blocks: [command("a", "true", { user: "daemon" })] });
    writeFileSync(path("plan.json"), JSON.stringify(plan));
    const check = (...more: string[]) => agentCommand(["policy", "check", path("plan.json"), ...more]);
    expect(await check("--user", "farhand")).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(
        'cannot_switch_user: the agent runs as "farhand" and only root may run a step as another user',
      ),
    });
    expect(await check("--user", "daemon")).toMatchObject({ code: 0 });
    expect(await check("--user", "root")).toMatchObject({ code: 0 });
    writeFileSync(
      path("plan.json"),
      JSON.stringify(planOf({ blocks: [command("a", "true", { user: "no-such" })] })),
    );
    expect((await check("--user", "root")).stdout).toContain('no_user: this host has no account "no-such"');
  });

  it("looks at the policy alone, and `status` shows its digest", async () => {
    const made = await site();
    const env = environment(writePolicy(made, "interpreters: [bash]\n"));
    const good = await agentCommand(["policy", "check", "--json"], env);
    const { digest } = JSON.parse(good.stdout);
    expect([good.code, digest]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}$/)]);
    const status = await agentCommand(["status", "--state", made.state], env);
    expect(status.stdout).toContain(
      `policy        ${digest} (${made.path("policy.yaml")}), by the flags and variables of this command: no agent runs\n`,
    );
    writePolicy(made, "interpreter: [bash]\n");
    const bad = await agentCommand(["policy", "check"], env);
    expect(bad).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('policy.yaml:1:1 a policy has no key "interpreter"'),
    });
  });
});

it("`status` and `doctor` show the policy in force, which no flag of theirs names, and what the file says by now", async () => {
  const made = await governed("blocks: [command]\n");
  const { state, agent, plane } = made;
  const look = async () => {
    const [status, doctor] = await Promise.all(
      ["status", "doctor"].map((name) => agentCommand([name, "--state", state])),
    );
    return [
      /^policy +(.*(?:\n .*)*)/m.exec(status?.stdout ?? "")?.[1],
      /^. policy .*(?:\n .*)*/m.exec(doctor?.stdout ?? "")?.[0],
    ];
  };
  const digestOf = (text: string) => createHash("sha256").update(text).digest("hex");
  const inForce = `${digestOf("blocks: [command]\n")} (${made.path("policy.yaml")})`;
  expect(await look()).toEqual([inForce, expect.stringMatching(/^✓ policy +\S*policy\.yaml$/)]);

  const next = "update: {mode: off}\nblocks: [api]\n";
  writePolicy(made, next);
  const change = `the file is ${digestOf(next)} by now, changed since and not read yet: systemctl reload farhand-agent`;
  expect(await look()).toEqual([
    expect.stringContaining(`${inForce}; ${change}`),
    expect.stringMatching(/^! policy .*changed since and not read yet/),
  ]);

  writePolicy(made, "blocs: [api]\n");
  agent.child.kill("SIGHUP");
  await agent.logged("THE POLICY WAS NOT READ AGAIN");
  expect(await look()).toEqual([
    expect.stringMatching(
      /; the file cannot be used now, and the one from before stays in force: .*\n +policy.yaml:1:1/,
    ),
    expect.stringMatching(/^✗ policy .*the one from before stays in force/),
  ]);

  writePolicy(made, next);
  agent.child.kill("SIGHUP");
  await plane.changes.until("the new digest", () =>
    plane.controls.find((each) => each.of("hello")[0]?.policy?.digest === digestOf(next)),
  );
  const { stdout } = await agentCommand(["status", "--state", state]);
  expect(stdout).toMatch(new RegExp(`^policy +${digestOf(next)} `, "m"));
  expect(stdout).toMatch(/^update +off$/m);
});
