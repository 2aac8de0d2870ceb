/** What a step is: its process, its environment, its end. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { command, connectedSite, linesOf, oracle, prepareAgent } from "./harness.ts";

prepareAgent();

it("runs the first step from the offer and reports output and exit code", async () => {
  const { plane, agent } = await connectedSite();
  const { coordinator, finished } = await plane.run({
    blocks: [command("hello", "echo out; echo err >&2; exit 7")],
  });
  expect(finished).toMatchObject({
    outcome: { type: "exited", exitCode: 7 },
    leakedOutput: false,
    fence: 1,
    streams: { stdout: { bytes: 4, cutBytes: 0 }, stderr: { bytes: 4, cutBytes: 0 } },
  });
  expect(coordinator.output("hello", "stdout").toString()).toBe("out\n");
  expect(coordinator.output("hello", "stderr").toString()).toBe("err\n");
  expect(coordinator.of("step.started")[0]).toMatchObject({ step: "hello", attempt: 1, fence: 1 });
  expect(plane.control.of("lease.accepted")).toHaveLength(1);
  expect(agent.alive).toBe(true);
  expect(plane.problems).toEqual([]);
});

it("runs later steps over the open socket in one working directory, which goes with the lease", async () => {
  const { plane, state, path } = await connectedSite();
  const { coordinator } = await plane.run({
    blocks: [
      command("one", `echo kept > note; pwd > ${path("where")}; touch "$TMPDIR/x"`),
      command("two", "cat note; ls", { interpreter: "sh" }),
    ],
  });
  coordinator.start("two");
  expect((await coordinator.finished("two")).outcome).toEqual({ type: "exited", exitCode: 0 });
  expect(coordinator.output("two", "stdout").toString()).toBe("kept\nnote\n");
  expect(coordinator.sockets).toHaveLength(1);
  const [where = ""] = linesOf(path("where"));
  expect(where.startsWith(state)).toBe(true);
  expect(statSync(where).mode & 0o777).toBe(0o700);

  coordinator.release();
  await plane.changes.until("lease.ended", () => plane.control.of("lease.ended").length > 0);
  await plane.changes.until("the data socket's end", () => coordinator.closes.length > 0);
  expect(coordinator.closes).toEqual([1000]);
  const left = () => ["executions", "spool", "plans"].flatMap((name) => readdirSync(join(state, name)));
  await expect.poll(left).toEqual([]);
});

it("gives a step an environment made from nothing: none of the agent's own leaks", async () => {
  const { plane } = await connectedSite({
    env: {
      SECRET_TOKEN: "hunter2",
      NODE_OPTIONS: "--no-warnings",
      BASH_ENV: "/nowhere",
      FARHAND_LOG_LEVEL: "debug",
    },
  });
  const { coordinator } = await plane.run({
    blocks: [command("env", "env -0")],
    parameters: { region: "eu", Count: 3 },
  });
  const variables = Object.fromEntries(
    coordinator
      .output("env", "stdout")
      .toString()
      .split("\0")
      .filter(Boolean)
      .map((line) => line.split(/=(.*)/s, 2)),
  );
  expect(Object.keys(variables).sort()).toEqual([
    ...["FARHAND_ATTEMPT", "FARHAND_ATTEMPT_ID", "FARHAND_EXECUTION_ID", "FARHAND_OUTPUT"],
    "FARHAND_PARAM_COUNT",
    ...["FARHAND_PARAM_REGION", "FARHAND_RUNBOOK", "FARHAND_RUNBOOK_ID", "FARHAND_RUNBOOK_VERSION"],
    ...[
      "FARHAND_STEP",
      "HOME",
      "LANG",
      "LOGNAME",
      "PATH",
      "PWD",
      "SHELL",
      "SHLVL",
      "TERM",
      "TMPDIR",
      "USER",
      "_",
    ],
  ]);
  expect(variables).toMatchObject({
    FARHAND_PARAM_COUNT: "3",
    FARHAND_PARAM_REGION: "eu",
    FARHAND_STEP: "env",
  });
  expect(variables.FARHAND_EXECUTION_ID).toBe(coordinator.executionId);
});

const SENTINEL = "sentinel";
const HOSTILE = [
  `'; touch ${SENTINEL}; '`,
  `"; touch ${SENTINEL}; "`,
  `$(touch ${SENTINEL})`,
  `\`touch ${SENTINEL}\``,
  `x\ntouch ${SENTINEL}\n`,
  `x\r\ntouch ${SENTINEL}`,
  `\${IFS}; touch ${SENTINEL}`,
  `() { :;}; touch ${SENTINEL}`,
  `-n -e \\x41 %s \\`,
  `$((\`touch ${SENTINEL}\`))`,
  `{a,b} * ~ ! # & | < > \t`,
  `é😀\u202e\u0007\u001b[31m`,
];

it("[S13] hands hostile parameter values to a script byte for byte, and runs none of them", async () => {
  const { plane } = await connectedSite();
  for (const interpreter of ["bash", "sh"] as const) {
    const parameters = Object.fromEntries(HOSTILE.map((value, index) => [`p${index}`, value]));
    const script = `${HOSTILE.map((_, index) => `printf '%s\\0' "$FARHAND_PARAM_P${index}"`).join("\n")}\nls`;
    const { coordinator } = await plane.run({
      blocks: [command("hostile", script, { interpreter })],
      parameters,
    });
    expect(coordinator.output("hostile", "stdout").toString().split("\0")).toEqual([...HOSTILE, ""]);
    expect(coordinator.output("hostile", "stderr").toString()).toBe("");
  }
});

it("reports the signal that ended a script", async () => {
  const { plane } = await connectedSite();
  const { finished } = await plane.run({ blocks: [command("die", "kill -9 $$")] });
  expect(finished.outcome).toEqual({ type: "signaled", signal: "SIGKILL" });
});

it("connects scripts to real pipes: /dev/stdout and /dev/stderr can be opened", async () => {
  const { plane } = await connectedSite();
  const script = "echo a > /dev/stderr && echo b | tee /dev/stderr > /dev/stdout";
  const { coordinator, finished } = await plane.run({
    blocks: [command("dev", script, { interpreter: "sh" })],
  });
  expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
  expect(coordinator.output("dev", "stderr").toString()).toBe("a\nb\n");
  expect(coordinator.output("dev", "stdout").toString()).toBe("b\n");
});

it("stops a step at its own timeout, by its own clock", async () => {
  const { plane } = await connectedSite();
  const { finished } = await plane.run({ blocks: [command("slow", "sleep 60", { timeoutMs: 1_000 })] });
  expect(finished.outcome).toEqual({ type: "stopped", reason: "timed_out", confirmed: true });
  expect(finished.durationMs).toBeGreaterThanOrEqual(1_000);
});

it("refuses, with a code and in words, what it cannot start", async () => {
  const { plane } = await connectedSite();
  const big = "x".repeat(32 * 1024);
  const { coordinator } = await plane.run({
    blocks: [command("first", "true"), { kind: "instruction", id: "read", markdown: "Read this." }],
  });
  coordinator.start("nowhere");
  expect((await coordinator.finished("nowhere")).outcome).toMatchObject({
    type: "refused",
    code: "not_in_plan",
  });
  coordinator.start("read");
  expect((await coordinator.finished("read")).outcome).toMatchObject({
    type: "refused",
    code: "not_runnable",
  });

  const { finished } = await plane.run({
    blocks: [command("huge", "true")],
    parameters: Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`p${index}`, big])),
  });
  expect(finished.outcome).toMatchObject({
    type: "refused",
    code: "spawn_failed",
    detail: expect.stringContaining("E2BIG"),
  });
});

it("declines offers that it must not take, and says why", async () => {
  const { plane, path } = await connectedSite({ slots: 1 });
  const blocks = [command("never", oracle(path("oracle")))];
  const answers = () => plane.control.of("lease.declined").map(({ reason }) => reason);
  await plane.offer({ blocks, planDigest: "0".repeat(64) });
  await plane.changes.until("the first refusal", () => answers().length === 1);
  await plane.offer({ blocks, expiresAt: Date.now() - 1 });
  await plane.changes.until("the second refusal", () => answers().length === 2);
  const { coordinator } = await plane.offer({ blocks: [command("busy", "echo up; sleep 60")] });
  await coordinator.printed("busy", "up");
  await plane.offer({ blocks });
  await plane.changes.until("the third refusal", () => answers().length === 3);
  expect(answers()).toEqual(["plan_rejected", "plan_rejected", "no_slot"]);
  expect(existsSync(path("oracle"))).toBe(false);
});

it("refuses ids that would reach outside its folders", async () => {
  const { plane, state } = await connectedSite();
  const { coordinator } = await plane.offer({ blocks: [command("x", "true")], planDigest: "0".repeat(64) });
  await plane.changes.until("a refusal", () => plane.control.of("lease.declined").length === 1);
  plane.control.send({
    type: "lease.offer",
    id: "evil",
    lease: { id: "../../evil", executionId: "..", fence: 1 },
    plan: coordinator.plan,
    planDigest: "",
    firstStep: { type: "step.start", id: "s", step: "x", attempt: 1, fence: 1 },
  });
  await plane.changes.until("another refusal", () => plane.control.of("lease.declined").length === 2);
  expect(plane.control.of("lease.declined")[1]).toMatchObject({ reason: "plan_rejected" });
  expect(existsSync(join(state, "..", "evil"))).toBe(false);
});

it("logs one JSON line per event, with ids and without parameters' values", async () => {
  const { plane, agent } = await connectedSite();
  const { coordinator } = await plane.run({
    blocks: [command("log", "echo $FARHAND_PARAM_PASSWORD")],
    parameters: { password: "correct horse" },
  });
  const line = await agent.logged("step ended");
  expect(line).toMatchObject({
    level: "info",
    agentId: plane.agents[0]?.agentId,
    executionId: coordinator.executionId,
    step: "log",
    attempt: 1,
  });
  expect(agent.raw.every((raw) => raw.startsWith("{"))).toBe(true);
  expect(agent.raw.join("\n")).not.toContain("correct horse");
  expect(agent.raw.join("\n")).not.toContain("join-me");
});

it("keeps scripts and state readable by its own user only", async () => {
  const { plane, state, path } = await connectedSite();
  const script = `ls -l "$0" | cut -c1-10 > ${path("mode")}`;
  await plane.run({ blocks: [command("mode", script)] });
  expect(linesOf(path("mode"))).toEqual(["-rw-------"]);
  expect(statSync(state).mode & 0o777).toBe(0o700);
  for (const name of ["spool", "plans", "executions", "journal"]) {
    expect(statSync(join(state, name)).mode & 0o777).toBe(0o700);
  }
  expect(readFileSync(join(state, "identity.json"), "utf8")).toContain("privateKey");
  expect(statSync(join(state, "identity.json")).mode & 0o777).toBe(0o600);
});
