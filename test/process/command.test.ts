/** What a command block may ask of its host: interpreters, values, stdin, folders, users, and what it hands on. */
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { findProgram } from "../../agent/runners/account.ts";
import { command, connectedSite, linesOf, oracle, prepareAgent } from "./harness.ts";

prepareAgent();

const SENTINEL = "sentinel";
const HOSTILE = [
  `'; touch ${SENTINEL}; '`,
  `$(touch ${SENTINEL})`,
  `\`touch ${SENTINEL}\``,
  `x\ntouch ${SENTINEL}\n`,
  `() { :;}; touch ${SENTINEL}`,
  `"); require("fs").writeFileSync("${SENTINEL}", "")`,
  `{{ expr }} \${FARHAND_STEP} %s \\ -n`,
  `é😀\u202e\u0007\u001b[31m`,
];

describe("interpreters", () => {
  const SCRIPTS: [interpreter: string, script: string][] = [
    ["bash", 'printf "%s:%s" "$0" "$X"'],
    ["sh", 'printf "%s:%s" "$0" "$X"'],
    ["python3", "import os, sys\nprint(sys.argv[0] + ':' + os.environ['X'], end='')"],
    ["node", "process.stdout.write(process.argv[1] + ':' + process.env.X)"],
    ["perl", "print $0 . ':' . $ENV{X}"],
  ];
  const ENDING: Record<string, string> = { bash: ".sh", sh: ".sh", python3: ".py", node: ".js", perl: "" };

  it("runs the script in whatever program its block names, or says that the host has none", async () => {
    const { plane } = await connectedSite({ slots: SCRIPTS.length });
    for (const [interpreter, script] of SCRIPTS) {
      const { coordinator, finished } = await plane.run({
        blocks: [command("run", script, { interpreter, env: { X: "x y" } })],
      });
      if (findProgram(interpreter) === undefined) {
        expect(finished.outcome).toMatchObject({ type: "refused", code: "no_interpreter" });
        continue;
      }
      expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
      const [file = "", text] = coordinator.output("run", "stdout").toString().split(":");
      expect(text).toBe("x y");
      expect(/\.[a-z]+$/.exec(file)?.[0] ?? "").toBe(ENDING[interpreter]);
    }
  });

  it("knows the script by the name of its step, also in messages", async () => {
    const { plane } = await connectedSite({ slots: 4 });
    const said = async (interpreter: string, script: string) => {
      const { coordinator } = await plane.run({ blocks: [command("check-disk", script, { interpreter })] });
      return coordinator.output("check-disk", "stderr").toString();
    };
    expect(await said("bash", "nonsense")).toMatch(/^\.\.\/scripts\/check-disk\.sh: line 1: /);
    expect(await said("sh", "nonsense")).toMatch(/^\.\.\/scripts\/check-disk\.sh: (line )?1: /);
    if (findProgram("python3"))
      expect(await said("python3", "1/0")).toContain('/scripts/check-disk.py", line 1');
    if (findProgram("node")) expect(await said("node", "x()")).toContain("/scripts/check-disk.js:1\n");
  });

  it("keeps the files of attempts apart, and in a folder of another's they go by their whole path", async () => {
    const { plane, path } = await connectedSite();
    const script = 'echo "$0"';
    const elsewhere = command("elsewhere", script, { workingDirectory: path("") });
    const { coordinator } = await plane.run({ blocks: [command("check", script), elsewhere] });
    coordinator.start("check", 2);
    await coordinator.finished("check", 2);
    const names = [1, 2].map((attempt) => coordinator.output("check", "stdout", attempt).toString().trim());
    expect(names).toEqual(["../scripts/check.sh", "../scripts/check.2.sh"]);
    coordinator.start("elsewhere");
    await coordinator.finished("elsewhere");
    expect(coordinator.output("elsewhere", "stdout").toString()).toMatch(/^\/.*\/scripts\/elsewhere\.sh\n$/);
  });

  it("refuses one that the host does not have, in words", async () => {
    const { plane } = await connectedSite();
    const { finished } = await plane.run({ blocks: [command("run", "x", { interpreter: "cobol-2060" })] });
    expect(finished.outcome).toMatchObject({
      ...{ type: "refused", code: "no_interpreter" },
      detail: expect.stringContaining("this host has no cobol-2060 in /usr"),
    });
  });
});

describe("[S13] values", () => {
  it("from the plan and from expressions reach the script byte for byte, and none of them runs", async () => {
    const { plane } = await connectedSite();
    const names = HOSTILE.map((_, index) => `V${index}`);
    const script = `${names.map((name) => `printf '%s\\0' "$${name}"`).join("\n")}\ncat\nls`;
    const env = Object.fromEntries(
      names.map((name, index) => [name, index % 2 === 0 ? { expr: "params.x" } : (HOSTILE[index] ?? "")]),
    );
    const inputs = Object.fromEntries(
      names.flatMap((name, index) => (index % 2 === 0 ? [[`env/${name}`, HOSTILE[index] ?? ""]] : [])),
    );
    const text = HOSTILE.join("\0");
    const { coordinator, finished } = await plane.run({
      blocks: [command("hostile", script, { env, stdin: { expr: "params.y" } })],
      inputs: { ...inputs, stdin: text },
    });
    expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
    expect(coordinator.output("hostile", "stdout").toString()).toBe(`${HOSTILE.join("\0")}\0${text}`);
  });

  it("that the plan has no place for, or that are missing, are refused and nothing runs", async () => {
    const { plane, path } = await connectedSite();
    const block = command("x", oracle(path("oracle")), { env: { A: "planned", B: { expr: "params.b" } } });
    const { coordinator, finished } = await plane.run({ blocks: [block] });
    expect(finished.outcome).toMatchObject({ type: "refused", code: "missing_input" });
    const attempts: [Record<string, string>, string][] = [
      [{ "env/B": "1", "env/A": "2" }, "unexpected_input"],
      [{ "env/B": "1", "env/PATH": "/evil" }, "unexpected_input"],
      [{ "env/B": "1", stdin: "touch sentinel" }, "unexpected_input"],
      [{ "env/B": "1", script: "touch sentinel" }, "unexpected_input"],
      [{ "env/B": "a\0b" }, "bad_input"],
    ];
    for (const [index, [inputs, code]] of attempts.entries()) {
      coordinator.start("x", index + 2, inputs);
      expect((await coordinator.finished("x", index + 2)).outcome).toMatchObject({ type: "refused", code });
    }
    expect(existsSync(path("oracle"))).toBe(false);
  });
});

it("gives the text of stdin, however long, in a file that has no name any more", async () => {
  const { plane, state } = await connectedSite();
  const text = "0123456789abcdef".repeat(16 * 1024);
  const { coordinator } = await plane.run({
    blocks: [command("in", "sha256sum; readlink /proc/self/fd/0", { stdin: text }), command("none", "cat")],
  });
  expect(coordinator.output("in", "stdout").toString()).toMatch(
    /^[0-9a-f]{64} {2}-\n.*\.stdin \(deleted\)\n$/,
  );
  const scripts = join(state, "executions", coordinator.executionId, "scripts");
  expect(readdirSync(scripts).filter((name) => name.endsWith(".stdin"))).toEqual([]);
  coordinator.start("none");
  expect((await coordinator.finished("none")).streams.stdout.bytes).toBe(0);
});

it("runs where its block says, if there is such a folder", async () => {
  const { plane, path } = await connectedSite();
  mkdirSync(path("there"));
  const { coordinator, finished } = await plane.run({
    blocks: [
      command("there", "pwd", { workingDirectory: path("there") }),
      command("nowhere", "pwd", { workingDirectory: path("nowhere") }),
    ],
  });
  expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
  expect(coordinator.output("there", "stdout").toString()).toBe(`${path("there")}\n`);
  coordinator.start("nowhere");
  expect((await coordinator.finished("nowhere")).outcome).toMatchObject({
    ...{ type: "refused", code: "no_working_directory" },
    detail: expect.stringContaining(`this host has no folder ${path("nowhere")}`),
  });
});

describe("$FARHAND_OUTPUT", () => {
  it("hands values on, on one line or many, and only those that the block declares", async () => {
    const { plane } = await connectedSite();
    const script = [
      "echo version=1.2 >> $FARHAND_OUTPUT",
      "echo 'evil=$(touch sentinel)' >> $FARHAND_OUTPUT",
      "{ echo 'text<<EOT'; printf 'one\\n\\nthree=3\\n'; echo EOT; } >> $FARHAND_OUTPUT",
      "echo other=x >> $FARHAND_OUTPUT",
      "exit 3",
    ].join("\n");
    const outputs = ["version", "text", "evil"];
    const { coordinator, finished } = await plane.run({ blocks: [command("out", script, { outputs })] });
    expect(finished).toMatchObject({ outcome: { type: "exited", exitCode: 3 } });
    const values = { version: "1.2", text: "one\n\nthree=3", evil: "$(touch sentinel)" };
    expect(finished.values).toEqual(values);
    expect(coordinator.output("out", "stderr").toString()).toMatch(/^farhand: "other" was left out/);
  });

  it.each([
    ["too large", "head -c 70000 /dev/zero | tr '\\0' x > $FARHAND_OUTPUT", /over 64 KiB/],
    ["a pipe", "rm $FARHAND_OUTPUT; mkfifo $FARHAND_OUTPUT", /not a file/],
    ["a link", "ln -sf /etc/passwd $FARHAND_OUTPUT", /cannot be read/],
    ["endless", "rm $FARHAND_OUTPUT; ln -s /dev/zero $FARHAND_OUTPUT", /cannot be read/],
    ["garbage", "head -c 200 /dev/zero > $FARHAND_OUTPUT", /is not name=value/],
  ])(
    "that is %s takes nothing from the outcome, and says why there are no values",
    async (_, script, why) => {
      const { plane } = await connectedSite();
      const { coordinator, finished } = await plane.run({ blocks: [command("out", script)] });
      expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
      expect(finished.values).toBeUndefined();
      expect(coordinator.output("out", "stderr").toString()).toMatch(why);
    },
  );

  it("[ST3] survives the agent together with the result", async () => {
    const { plane, agent, start } = await connectedSite();
    const { coordinator, finished } = await plane.run({
      blocks: [command("out", "echo a=1 > $FARHAND_OUTPUT")],
      configure: (each) => {
        each.records = false;
      },
    });
    await agent.kill();
    const before = coordinator.of("step.finished").length;
    start();
    await plane.changes.until("the result again", () => coordinator.of("step.finished").length > before);
    expect(coordinator.of("step.finished").at(-1)).toEqual(finished);
    expect(finished.values).toEqual({ a: "1" });
  });
});

describe("users", () => {
  const isRoot = userInfo().uid === 0;

  it("runs as another account when the agent may, with its own folders, and else refuses in words", async () => {
    const { plane, state, path } = await connectedSite();
    // The folder of this test lies in one that only its owner may enter.
    for (const folder of [dirname(state), dirname(dirname(state))]) chmodSync(folder, 0o711);
    const script = [
      "id -un; id -G; pwd; echo $HOME $USER; cat /dev/stdin; echo to-stderr > /dev/stderr",
      "echo a=1 > $FARHAND_OUTPUT; touch mine $TMPDIR/mine",
      `cat ${join(state, "identity.json")} || ls ${state} || echo closed`,
    ].join("\n");
    const blocks = [
      command("as", script, { user: "nobody", stdin: "in\n" }),
      command("again", "ls", { user: "nobody" }),
      command("own", `id -un; ls; ${oracle(path("oracle"))}`, { user: userInfo().username }),
      command("none", "true", { user: "no-such-account" }),
    ];
    const { coordinator, finished } = await plane.run({ blocks });
    const end = async (step: string) => {
      coordinator.start(step);
      return (await coordinator.finished(step)).outcome;
    };
    if (isRoot) {
      expect(finished).toMatchObject({ outcome: { type: "exited", exitCode: 0 }, values: { a: "1" } });
      const [name, groups, folder, home, input, closed] = coordinator
        .output("as", "stdout")
        .toString()
        .split("\n");
      expect([name, input, closed]).toEqual(["nobody", "in", "closed"]);
      expect(groups?.split(" ")).not.toContain("0");
      expect(home).toMatch(/ nobody$/);
      expect(folder).toMatch(/\/users\/nobody\/work$/);
      expect(coordinator.output("as", "stderr").toString()).toContain("to-stderr");
      expect(await end("again")).toEqual({ type: "exited", exitCode: 0 });
      expect(coordinator.output("again", "stdout").toString()).toBe("mine\n");
      expect(await end("none")).toMatchObject({ type: "refused", code: "no_user" });
    } else {
      expect(finished.outcome).toMatchObject({ type: "refused", code: "cannot_switch_user" });
      expect(await end("none")).toMatchObject({ type: "refused", code: "cannot_switch_user" });
    }
    // Its folders let others through, and nothing more.
    expect(await end("own")).toEqual({ type: "exited", exitCode: 0 });
    expect(coordinator.output("own", "stdout").toString()).toBe(`${userInfo().username}\n`);
    expect(linesOf(path("oracle"))).toHaveLength(1);
    expect(statSync(join(state, "executions", coordinator.executionId, "work")).mode & 0o777).toBe(0o700);
    expect(statSync(join(state, "executions")).mode & 0o066).toBe(0);
  });
});
