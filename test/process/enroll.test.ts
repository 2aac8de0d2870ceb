/** `farhand-agent enroll`, `status`, and how the command line answers mistakes. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { execa } from "execa";
import { expect, it } from "vitest";
import { agentCommand, prepareAgent, site } from "./harness.ts";

prepareAgent();

it("makes a key of its own and keeps it to itself", async () => {
  const { plane, state } = await site();
  const [agent] = plane.agents;
  expect(agent?.request).toMatchObject({ joinToken: "join-me", labels: {}, name: expect.any(String) });
  expect(statSync(`${state}/identity.json`).mode & 0o777).toBe(0o600);
  const identity = JSON.parse(readFileSync(`${state}/identity.json`, "utf8"));
  expect(JSON.stringify(agent?.request)).not.toContain(identity.privateKey);
  expect(readFileSync(`${state}/identity.json`, "utf8")).not.toContain("join-me");
  expect(readdirSync(state)).toEqual(["identity.json"]);
});

it("says how to start it, in words that work", async () => {
  const { plane, path } = await site();
  const state = path("a state");
  const { stdout } = await agentCommand(["enroll", "--url", plane.url, "--token", "t", "--state", state]);
  const [, command = ""] = /^Start it with: (.*)$/m.exec(stdout) ?? [];
  expect(command).toMatch(/^\S*node \S*farhand-agent\.mjs run --state '.*\/a state'$/);
  const { stdout: status } = await execa("sh", ["-c", command.replace(" run ", " status ")]);
  expect(status).toContain(plane.agents[1]?.agentId);
  const { stderr } = await agentCommand(["run", "--state", path("empty")]);
  expect(stderr).toMatch(/run "\S*node \S*farhand-agent\.mjs enroll" first/);
});

it("refuses to replace an identity without --force, and asks nobody", async () => {
  const { plane, state } = await site();
  const args = ["enroll", "--url", plane.url, "--token", "t", "--state", state];
  const again = await agentCommand(args);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain("--force");
  expect(plane.agents).toHaveLength(1);
  const forced = await agentCommand([
    ...args,
    "--force",
    "--name",
    "new",
    "--label",
    "region=eu",
    "--label",
    "a=b=c",
  ]);
  expect(forced.code).toBe(0);
  expect(plane.agents[1]?.request).toMatchObject({ name: "new", labels: { region: "eu", a: "b=c" } });
});

it("takes no label that is for facts of the host, and tells those by itself", async () => {
  const { plane, path, state, start } = await site();
  const refused = await agentCommand([
    ...["enroll", "--url", plane.url, "--token", "t", "--state", path("other"), "--label", "host.os=beos"],
  ]);
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringContaining("begin with host. are what the agent"),
  ]);
  start();
  const control = await plane.connected();
  expect(control.of("hello")[0]?.labels).toMatchObject({
    "host.os": "linux",
    "host.interpreter.bash": "yes",
  });
  const { stdout } = await agentCommand(["status", "--state", state]);
  expect(stdout).toMatch(/^labels +none$/m);
  expect(stdout).toMatch(/^host labels +host\.os=linux .*host\.interpreter\.bash=yes/m);
  const json = JSON.parse((await agentCommand(["status", "--json", "--state", state])).stdout);
  expect(json.running.hostLabels).toEqual(control.of("hello")[0]?.labels);
});

it("takes the environment instead of flags", async () => {
  const { plane, path } = await site();
  const result = await agentCommand(["enroll"], {
    FARHAND_URL: `${plane.url}/`,
    FARHAND_JOIN_TOKEN: "from-env",
    FARHAND_STATE_DIR: path("other"),
  });
  expect(result.code).toBe(0);
  expect(plane.agents[1]?.request.joinToken).toBe("from-env");
});

it("shows status without a key or a token", async () => {
  const { plane, state } = await site();
  const result = await agentCommand(["status", "--state", state]);
  expect(result.code).toBe(0);
  expect(result.stdout).toContain(plane.agents[0]?.agentId);
  expect(result.stdout).toMatch(/fingerprint\s+[0-9a-f]{64}/);
  expect(result.stdout).toContain("running       no");
  expect(result.stdout).not.toContain(JSON.parse(readFileSync(`${state}/identity.json`, "utf8")).privateKey);
});

const problem = (status: number, code: string, detail: string) => ({
  status,
  type: "application/problem+json",
  body: JSON.stringify({ type: "about:blank", title: "x", status, detail, code, requestId: "req_1" }),
});

it.each([
  ["a refusal", problem(401, "invalid_join_token", "this token was used"), ["this token was used", "req_1"]],
  ["a captive portal", { status: 200, type: "text/html", body: "<html>" }, ["captive portal"]],
  ["another server", { status: 404, type: "text/plain", body: "no" }, ["HTTP 404"]],
  [
    "a proxy's or a portal's 403",
    { status: 403, type: "text/html", body: "<html>" },
    ["HTTP 403", "address"],
  ],
  [
    "a redirect",
    { status: 302, type: "text/html", body: "", headers: { location: "https://login.example" } },
    ["a redirect to https://login.example"],
  ],
  ["nonsense", { status: 201, type: "application/json", body: "\u0000[[[" }, ["not as a Farhand"]],
  [
    "a control plane that is busy",
    { status: 429, type: "text/plain", body: "", headers: { "retry-after": "90" } },
    ["busy", "try again in 90 s"],
  ],
  ["a control plane that is away", { status: 503, type: "text/html", body: "" }, ["try again later"]],
  [
    "another version",
    problem(426, "version_unsupported", "Upgrade the agent to 2."),
    ["Upgrade the agent to 2."],
  ],
  [
    "JSON of another kind",
    { status: 200, type: "application/json", body: '{"data":{}}' },
    ["not as a Farhand"],
  ],
])("[S4] says in one line what %s means, and keeps nothing", async (_, answer, words) => {
  const { plane, path } = await site();
  plane.enrols = () => answer;
  const result = await agentCommand(["enroll", "--url", plane.url, "--token", "t", "--state", path("fresh")]);
  expect(result.code).toBe(1);
  for (const word of words) expect(result.stderr).toContain(word);
  expect(result.stderr.trim().split("\n")).toHaveLength(1);
  expect(readdirSync(path("fresh"))).toEqual([]);
});

it("says when nobody answers", async () => {
  const { path } = await site();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise((resolve) => server.close(resolve));
  const result = await agentCommand(["enroll", "--url", url, "--token", "t", "--state", path("fresh")]);
  expect(result.code).toBe(1);
  expect(result.stderr).toContain(`cannot reach ${url}`);
});

it.each([
  [["enroll"], "--url"],
  [["enroll", "--url", "https://x.example"], "--token"],
  [["enroll", "--url", "ftp://x", "--token", "t"], "ftp://x"],
  [["enroll", "--url", "https://x.example/app", "--token", "t"], "without a path"],
  [["enroll", "--url", "https://u:p@x.example", "--token", "t"], "password"],
  [["enroll", "--url", "https://x.example", "--token", "t", "--slots", "0"], "slots"],
  [["enroll", "--url", "https://x.example", "--token", "t", "--slots", "many"], "slots"],
  [["enroll", "--url", "https://x.example", "--token", "t", "--label", "nope"], "region=eu"],
  [["run", "--log-format", "xml"], "log format"],
  [["run", "--bogus"], "--bogus"],
  [["run", "extra"], "extra"],
  [["dance"], 'no command "dance"'],
])("answers %j with exit code 2 and a sentence", async (args, words) => {
  const result = await agentCommand(args);
  expect(result.code).toBe(2);
  expect(result.stderr).toContain(words);
  expect(result.stderr).not.toMatch(/\n\s+at /);
});

it("refuses to run unenrolled, or with a key that others may read", async () => {
  const { state, path } = await site();
  const unenrolled = await agentCommand(["run", "--state", path("nothing")]);
  expect(unenrolled).toMatchObject({ code: 78, stderr: expect.stringContaining("not enrolled") });
  const { chmodSync, writeFileSync } = await import("node:fs");
  chmodSync(`${state}/identity.json`, 0o644);
  expect((await agentCommand(["run", "--state", state])).stderr).toContain("chmod 600");
  writeFileSync(`${state}/identity.json`, "{", { mode: 0o600 });
  chmodSync(`${state}/identity.json`, 0o600);
  expect(await agentCommand(["run", "--state", state])).toMatchObject({
    code: 78,
    stderr: expect.stringContaining("damaged"),
  });
});

it("knows --help and --version", async () => {
  expect((await agentCommand(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await agentCommand(["--help"])).stdout).toContain("farhand-agent enroll");
  expect((await agentCommand([])).code).toBe(0);
});

it.each([
  [["eu"], '"eu" is not a label like region=eu'],
  [["=eu"], '"=eu" is not a label like region=eu'],
  [[`a=${"x".repeat(300)}`], 'the value of the label "a" has 300 characters: at most 255 are possible'],
  [
    [`${"k".repeat(64)}=x`],
    `the name of the label "${"k".repeat(40)}…" has 64 characters: at most 63 are possible`,
  ],
  [["a=one\ntwo"], 'the label "a" has a line break in it: write it in one line'],
  [["a=1", "b=1", "a=2"], 'the label "a" is there twice, as "1" and as "2": leave one out'],
])("says what is wrong with the labels %j", async (labels, words) => {
  const args = ["enroll", "--url", "http://127.0.0.1:1", "--token", "t", "--state", "/proc/nowhere"];
  const { code, stderr } = await agentCommand([...args, ...labels.flatMap((label) => ["--label", label])]);
  expect([code, stderr]).toEqual([2, `farhand-agent: ${words}\n`]);
});

it.each([
  ["drain --help", ["drain", "undrain"]],
  ["undrain -h", ["drain", "undrain"]],
  ["status --help --json", ["status"]],
  ["policy --help", ["policy check"]],
  ["policy check -h", ["policy check"]],
  ["secrets --help", ["secrets set|remove", "secrets list|test"]],
  ["secrets test --help", ["secrets set|remove", "secrets list|test"]],
  ["update --help", ["update"]],
])("%s shows how that is called, and nothing else", async (words, shown) => {
  const { code, stdout, stderr } = await agentCommand(words.split(" "));
  expect([code, stderr]).toEqual([0, ""]);
  const calls = [...stdout.matchAll(/^ {2}farhand-agent ([a-z -]+(?:\|[a-z]+)?)/gm)].map(([, call]) =>
    call?.trim(),
  );
  expect(calls).toEqual(shown);
  expect(stdout).toContain("FARHAND_STATE_DIR");
  expect(stdout).not.toContain("FARHAND_JOIN_TOKEN");
  expect(stdout).toMatch(/\nAll commands: .* --help\n$/);
});
