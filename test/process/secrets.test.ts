/** Secrets in the hands of a real agent: given to steps, and kept out of everything that leaves the host. */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { expect, it } from "vitest";
import type { Block } from "#protocol/blocks/index.ts";
import {
  agentCommand,
  command,
  isAlive,
  lineIn,
  linesOf,
  oracle,
  prepareAgent,
  type Site,
  site,
} from "./harness.ts";

prepareAgent();

const VALUE = "hunter2-hunter2";

interface Vaulted extends Site {
  /** Writes a secret into the folder of the file provider. */
  put(name: string, value: string): void;
}

/** A connected agent with a folder of secrets, and a program that never answers for one called `slow`. */
async function vaulted(): Promise<Vaulted> {
  const made = await site();
  const [folder, config, program] = [made.path("secrets.d"), made.path("secrets.yaml"), made.path("hang")];
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(program, "#!/bin/sh\nsleep 1000\n", { mode: 0o700 });
  const providers = [
    { type: "file", folder },
    { type: "exec", command: [program], secrets: ["slow"] },
  ];
  writeFileSync(config, JSON.stringify({ providers }), { mode: 0o600 });
  const put = (name: string, value: string) => writeFileSync(`${folder}/${name}`, value, { mode: 0o600 });
  put("db-password", `${VALUE}\n`);
  put("open", VALUE);
  chmodSync(`${folder}/open`, 0o644);
  made.start({ FARHAND_SECRETS_FILE: config });
  await made.plane.connected();
  return { ...made, put };
}

const uses = (script: string, secrets: NonNullable<(Block & { kind: "command" })["secrets"]>, id = "s") =>
  command(id, script, { secrets });

it("tells the names of what it holds, and no values", async () => {
  const { plane } = await vaulted();
  expect(plane.control.of("hello")[0]?.secrets).toEqual([
    { name: "db-password", type: "file" },
    { name: "open", type: "file" },
    { name: "slow", type: "exec" },
  ]);
});

it("[S8] gives a secret as environment and as a file, and lets none of it out", async () => {
  const { plane, path } = await vaulted();
  const script = `
    [ "$DB" = ${VALUE} ] && [ "$(cat "$FILE")" = ${VALUE} ] && stat -c %a "$FILE" > ${path("mode")}
    echo "$FILE" > ${path("file")}
    echo "plain $DB"; printf '%s' "$DB" | base64; echo "in error $DB" >&2
    for ((i = 0; i < \${#DB}; i++)); do printf '%s' "\${DB:i:1}"; sleep 0.01; done; echo
    echo "out=handed $DB" >> "$FARHAND_OUTPUT"
    ( set -x; : "$DB" )`;
  const { coordinator, finished } = await plane.run({
    blocks: [
      uses(script.replaceAll("\\$", "$"), { DB: "db-password", FILE: { name: "db-password", as: "file" } }),
    ],
  });
  expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
  expect(linesOf(path("mode"))).toEqual(["600"]);
  expect(coordinator.output("s", "stdout").toString()).toBe(
    "plain [secret:db-password]\n[secret:db-password]\n[secret:db-password]\n",
  );
  expect(coordinator.output("s", "stderr").toString()).toBe(
    "in error [secret:db-password]\n+ : [secret:db-password]\n",
  );
  expect(finished.values).toEqual({ out: "handed [secret:db-password]" });
  const [file = ""] = linesOf(path("file"));
  expect(linesOf(file)).toEqual([]);
  const folder = file.split("/").slice(0, -2).join("/");
  expect(readdirSync(folder)).toEqual([]);
});

it("[S8] keeps a secret out of what later steps print that were not given it", async () => {
  const { plane } = await vaulted();
  const { coordinator } = await plane.run({
    blocks: [
      uses('printf "%s" "$DB" > kept', { DB: "db-password" }),
      command("later", "cat kept; rev < kept"),
    ],
  });
  coordinator.start("later");
  await coordinator.finished("later");
  // What a program makes of it by its own means is not known for a secret.
  const reversed = [...VALUE].reverse().join("");
  expect(coordinator.output("later", "stdout").toString().trim()).toBe(`[secret:db-password]${reversed}`);
});

it.each([
  ["nobody has", "nothing-such", "secret_missing", /this host has no secret "nothing-such"/],
  ["everybody may read", "open", "secret_denied", /may be read by everybody on this host: chmod 600/],
])("starts nothing with a secret that %s", async (_, name, code, detail) => {
  const { plane, path } = await vaulted();
  const { finished } = await plane.run({ blocks: [uses(oracle(path("ran")), { A: name })] });
  expect(finished.outcome).toEqual({ type: "refused", code, detail: expect.stringMatching(detail) });
  expect(linesOf(path("ran"))).toEqual([]);
});

it("[S7] starts nothing with a secret that a control plane puts into a variable that decides what runs", async () => {
  const { plane, path } = await vaulted();
  const { finished } = await plane.run({
    blocks: [uses(oracle(path("ran")), { LD_PRELOAD: "db-password" })],
  });
  expect(finished.outcome).toMatchObject({ type: "refused", code: "policy" });
  expect(linesOf(path("ran"))).toEqual([]);
});

it("gives up on a provider that hangs, ends it, and starts nothing", async () => {
  const { plane, path } = await vaulted();
  const { finished } = await plane.run({ blocks: [uses(oracle(path("ran")), { A: "slow" })] });
  expect(finished.outcome).toEqual({
    type: "refused",
    code: "secret_failed",
    detail: 'the secret "slow" did not come from its exec provider within 10 s',
  });
  expect(linesOf(path("ran"))).toEqual([]);
}, 30_000);

it("can be canceled while a provider hangs", async () => {
  const { plane, path } = await vaulted();
  const { coordinator } = await plane.offer({ blocks: [uses(oracle(path("ran")), { A: "slow" })] });
  await plane.changes.until("the data socket", () => coordinator.sockets.length > 0);
  coordinator.cancel("s");
  expect((await coordinator.finished("s")).outcome).toMatchObject({ type: "stopped", reason: "canceled" });
  expect(linesOf(path("ran"))).toEqual([]);
});

it("[fault 37] takes out the old and the new value of a secret that is rotated while a step runs", async () => {
  const { plane, path, put } = await vaulted();
  const wait = `echo up > ${path("up")}; until [ -e ${path("go")} ]; do sleep 0.02; done`;
  const { coordinator } = await plane.offer({
    blocks: [
      uses(`${wait}; echo "old $DB"; echo "new rotated-rotated"`, { DB: "db-password" }),
      uses('echo "mine $DB"', { DB: "db-password" }, "after"),
    ],
  });
  await lineIn(path("up"));
  put("db-password", "rotated-rotated");
  await plane.changes.until("the data socket", () => coordinator.sockets.length > 0);
  coordinator.start("after");
  await coordinator.finished("after");
  writeFileSync(path("go"), "");
  await coordinator.finished("s");
  expect(coordinator.output("after", "stdout").toString()).toBe("mine [secret:db-password]\n");
  expect(coordinator.output("s", "stdout").toString()).toBe(
    "old [secret:db-password]\nnew [secret:db-password]\n",
  );
});

it("removes what a crash left of a secret's file when it comes back", async () => {
  const made = await site();
  const set = await setSecret(made.state, "kube", "cluster-secret");
  expect(set).toMatchObject({ code: 0, stdout: "kept kube\n" });
  const agent = made.start();
  await made.plane.connected();
  const script = `echo "$KUBE" > ${made.path("file")}; echo $$ > ${made.path("pid")}; sleep 1000`;
  made.plane.offer({ blocks: [uses(script, { KUBE: { name: "kube", as: "file" } })] });
  const pid = Number(await lineIn(made.path("pid")));
  const file = await lineIn(made.path("file"));
  expect(linesOf(file)).toEqual(["cluster-secret"]);
  await agent.kill();
  made.start();
  await expect.poll(() => [linesOf(file), isAlive(pid)], { timeout: 20_000 }).toEqual([[], false]);
});

it("[S8] sends a secret with a request, and shows neither it nor an answer that repeats it", async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization, request.url);
    response.end(JSON.stringify({ echo: `you sent ${request.headers.authorization}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  try {
    const { plane } = await vaulted();
    const { coordinator, finished } = await plane.run({
      blocks: [
        {
          ...{ kind: "api", id: "call", method: "GET", url: `http://127.0.0.1:${port}/` },
          headers: { authorization: { secret: "db-password", prefix: "Bearer " } },
          query: { q: { secret: "db-password" } },
          outputs: { echo: "/echo" },
        },
      ],
    });
    expect(seen).toEqual([`Bearer ${VALUE}`, `/?q=${VALUE}`]);
    expect(finished.values).toEqual({ echo: "you sent Bearer [secret:db-password]" });
    const output = coordinator.output("call", "stdout").toString();
    expect(output).toContain("you sent Bearer [secret:db-password]");
    expect(output).not.toContain(VALUE);
  } finally {
    server.close();
  }
});

/** Runs `secrets set` with the value on stdin. */
function setSecret(state: string, name: string, value: string) {
  return agentCommand(["secrets", "set", name, "--state", state], {}, value);
}

it("keeps, lists, tries and removes secrets on the command line, and never shows a value", async () => {
  const { state } = await site();
  const run = (...words: string[]) => agentCommand(["secrets", ...words, "--state", state]);
  expect(await setSecret(state, "one", `${VALUE}\n`)).toMatchObject({ code: 0, stdout: "kept one\n" });
  expect(readdirSync(`${state}/secrets`).toSorted()).toEqual([".key", "one"]);
  expect(linesOf(`${state}/secrets/one`).join("")).not.toContain(VALUE);
  expect(await run("list")).toEqual({ code: 0, stdout: "one  store\n", stderr: "" });
  expect(await run("test")).toEqual({ code: 0, stdout: "one: comes\n", stderr: "" });
  expect(await run("test", "two")).toMatchObject({ code: 1, stdout: 'two: this host has no secret "two"\n' });
  expect(await run("remove", "one")).toMatchObject({ code: 0 });
  expect(await run("remove", "one")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no secret "one"'),
  });
  expect(await run("set", "two", VALUE)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("never given on"),
  });
  expect(await run("set", "T W O")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("1–63 lower-case"),
  });
  expect(await run("remove")).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^farhand-agent: name the secret, as in: .* secrets remove db-password\n$/),
  });
  expect(await run("sell", "two")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("say which: secrets set"),
  });
  expect(await setSecret(state, "short", "abc")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("shorter than 6 bytes"),
  });
});

it("says in words that there can be no state folder where a file is", async () => {
  const { path } = await site();
  writeFileSync(path("file"), "");
  for (const state of [path("file"), path("file/below")]) {
    for (const words of [
      ["set", "one"],
      ["remove", "one"],
    ]) {
      const { code, stderr } = await agentCommand(["secrets", ...words, "--state", state], {}, VALUE);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/^farhand-agent: there can be no folder .*\n$/),
      ]);
    }
  }
});

it.each([
  ["no YAML", "providers: [", /secrets\.yaml:\d+:\d+ this is not valid YAML/],
  [
    "an unknown kind",
    "providers:\n  - type: oracle\n",
    /secrets\.yaml:2:5 "type" of entry 1 of "providers" must be one of env/,
  ],
  ["a kind that is misspelled", "providers:\n  - type: valt\n", /2:5 .* did you mean "vault"\?/],
  ["a relative folder", "providers:\n  - type: file\n    folder: x\n", /secrets\.yaml:3:\d+ .*absolute path/],
  [
    "a key that is misspelled",
    "providers:\n  - type: vault\n    adress: https://vault\n",
    /secrets\.yaml:3:5 entry 1 of "providers" has no key "adress"; did you mean "address"\?/,
  ],
  [
    "no way to log in",
    "providers:\n  - type: vault\n    address: https://vault\n    secrets: {}\n",
    /secrets\.yaml:2:5 "auth" of entry 1 of "providers" is missing/,
  ],
  [
    "half a way to log in",
    "providers:\n  - type: vault\n    address: https://vault\n    secrets: {}\n    auth: {role: x}\n",
    /secrets\.yaml:5:5 "auth" of entry 1 of "providers": it has tokenVariable, or tokenFile, or roleId and secretIdFile/,
  ],
])("does not start with a file of providers that is %s", async (_, text, message) => {
  const made = await site();
  const file = made.path("secrets.yaml");
  writeFileSync(file, text, { mode: 0o600 });
  const { code, stderr } = await agentCommand(["run", "--state", made.state, "--secrets", file]);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});

it("does not start with a file of providers that others may write", async () => {
  const made = await site();
  const file = made.path("secrets.yaml");
  writeFileSync(file, "providers: []\n");
  chmodSync(file, 0o666);
  const { code, stderr } = await agentCommand(["run", "--state", made.state, "--secrets", file]);
  expect([code, stderr]).toEqual([2, expect.stringContaining("others may write it")]);
});

it("does not start when the file of providers that it is told of is not there", async () => {
  const made = await site();
  const file = made.path("secrets.yaml");
  const { code, stderr } = await agentCommand(["run", "--state", made.state, "--secrets", file]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(`no secret providers at ${file}: write`)]);
});

it("[S8] a body that is a secret follows no redirect to another host", async () => {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    bodies.push(`${request.url} ${body}`);
    if (request.url === "/here") response.writeHead(307, { location: "/there" }).end();
    else response.writeHead(307, { location: `http://localhost:${port}/elsewhere` }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  try {
    const { plane } = await vaulted();
    const { finished } = await plane.run({
      blocks: [
        {
          ...{ kind: "api", id: "call", method: "POST", url: `http://127.0.0.1:${port}/here` },
          body: { secret: "db-password" },
        },
      ],
    });
    expect(finished.outcome).toMatchObject({ type: "unanswered", detail: expect.stringContaining("secret") });
    expect(bodies).toEqual([`/here ${VALUE}`, `/there ${VALUE}`]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
