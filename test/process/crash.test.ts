/** The agent dies at the worst moments: what it knows is true, and nothing runs twice. */
import { spawn } from "node:child_process";
import { appendFileSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { CHUNK_MAX_BYTES } from "#protocol/limits.ts";
import { encodeLine } from "../../agent/job/journal.ts";
import { bootId } from "../../agent/job/processes.ts";
import { leaseKey } from "../../agent/job/records.ts";
import { cgroupsOf, hasCgroups } from "../harness/cgroups.ts";
import {
  agentCommand,
  command,
  connectedSite,
  gone,
  isAlive,
  lineIn,
  linesOf,
  oracle,
  prepareAgent,
} from "./harness.ts";

prepareAgent();

it("[ST1] [ST2] [G1] kill -9 mid-step: children gone on restart, outcome unknown, never run again", async () => {
  const { plane, agent, path, start } = await connectedSite();
  const { coordinator, repeat } = await plane.offer({
    blocks: [
      command(
        "long",
        `${oracle(path("oracle"))}
         setsid sleep 300 & echo $! > ${path("child")}
         echo before; trap '' TERM INT; while :; do sleep 1; done`,
      ),
    ],
  });
  await coordinator.printed("long", "before");
  const child = Number(await lineIn(path("child")));
  const pid = coordinator.of("step.started")[0]?.pid ?? 0;
  await agent.kill();
  expect([pid, child].map(isAlive)).toEqual([true, true]);

  start();
  const finished = await coordinator.finished("long");
  expect(finished).toMatchObject({
    outcome: { type: "unknown", detail: expect.stringContaining("were ended") },
    streams: { stdout: { bytes: 7, sha256: coordinator.sha256("long", "stdout") } },
  });
  await gone([pid, child]);
  await plane.connected();
  coordinator.start("long");
  repeat();
  await plane.changes.until("an answer", () => plane.control.of("lease.accepted").length > 0);
  coordinator.start("long");
  await plane.changes.until("acknowledgements", () => coordinator.of("ack").length >= 2);
  expect(linesOf(path("oracle"))).toHaveLength(1);
});

it.runIf(hasCgroups)(
  "[fault 1] kill -9 mid-step: what nobody could tell from a stranger is gone on restart as well, and so are the groups",
  async () => {
    const { plane, agent, path, start, state } = await connectedSite();
    const hidden = `(env -i setsid sh -c 'trap "" TERM INT; echo $$ > ${path("pid")}; while :; do sleep 1; done' < /dev/null > /dev/null 2>&1 &)`;
    const { coordinator } = await plane.offer({
      blocks: [command("long", `${hidden}; echo up; exec sleep 300`)],
    });
    await coordinator.printed("long", "up");
    const pid = Number(await lineIn(path("pid")));
    await agent.kill();
    const before = cgroupsOf(state);
    expect(before.length).toBeGreaterThan(0);
    start();
    const { outcome } = await coordinator.finished("long");
    expect(outcome).toMatchObject({ type: "unknown", detail: expect.stringContaining("were ended") });
    expect(isAlive(pid)).toBe(false);
    expect(cgroupsOf(state).filter((name) => before.includes(name))).toEqual([]);
  },
);

it("[ST2] a lease goes on with later steps after the agent was restarted", async () => {
  const { plane, agent, start, path } = await connectedSite();
  const { coordinator } = await plane.run({
    blocks: [command("one", "echo kept > note"), command("two", `cat note; ${oracle(path("oracle"))}`)],
  });
  await plane.changes.until("it is recorded", () => coordinator.of("step.finished").length > 0);
  await agent.kill();
  start();
  await plane.changes.until("another hello", () => coordinator.of("hello").length === 2);
  coordinator.start("two");
  expect((await coordinator.finished("two")).outcome).toEqual({ type: "exited", exitCode: 0 });
  expect(coordinator.output("two", "stdout").toString()).toBe("kept\n");
  expect(linesOf(path("oracle"))).toHaveLength(1);
});

it("[ST2] [fault 2] dead between the flush of `started` and the spawn: unknown, and zero runs", async () => {
  const { plane, agent, start, state, path } = await connectedSite();
  const { coordinator } = await plane.run({
    blocks: [command("one", "true"), command("two", oracle(path("oracle")))],
  });
  await agent.kill();
  const [segment = ""] = readdirSync(join(state, "journal"));
  const line = encodeLine({
    type: "started",
    ...{ lease: leaseKey(coordinator.lease), step: "two", attempt: 1, fence: 1 },
    ...{ time: Date.now(), marker: "0123", bootId: bootId() },
  });
  appendFileSync(join(state, "journal", segment), line);
  start();
  const finished = await coordinator.finished("two");
  expect(finished.outcome).toMatchObject({
    type: "unknown",
    detail: expect.stringContaining("none of its processes was left"),
  });
  expect(linesOf(path("oracle"))).toEqual([]);
});

it("[ST3] kill -9 after the exit, before the result is recorded: the result is sent again", async () => {
  const { plane, agent, start, path } = await connectedSite();
  const { coordinator, finished } = await plane.run({
    blocks: [command("short", `${oracle(path("oracle"))}; echo out; exit 4`)],
    configure: (each) => {
      each.records = false;
    },
  });
  await agent.kill();
  const before = coordinator.of("step.finished").length;
  coordinator.records = true;
  start();
  await plane.changes.until("the result again", () => coordinator.of("step.finished").length > before);
  expect(coordinator.of("step.finished").at(-1)).toEqual(finished);
  expect(linesOf(path("oracle"))).toHaveLength(1);
});

it("[G4] output that was never acknowledged survives the agent, and torn files are cut", async () => {
  const { plane, agent, start, state, path } = await connectedSite();
  plane.refuses = NO_DATA_SOCKET;
  const { coordinator } = await plane.offer({
    blocks: [command("offline", `seq 1 50000; touch ${path("printed")}; sleep 300`)],
  });
  await expect.poll(() => readdirSync(join(path("printed"), "..")), { timeout: 10_000 }).toContain("printed");
  // All of it was in the pipe before; one more round trip through the agent proves that it was read.
  await expect.poll(() => linesOf(spoolFile(state)).length, { timeout: 10_000 }).toBeGreaterThan(0);
  await expect.poll(() => linesOf(spoolFile(state)).at(-1)).toBe("50000");
  await agent.kill();
  expect(coordinator.sockets).toHaveLength(0);
  appendFileSync(spoolFile(state), Buffer.from("torn chunk"));
  for (const name of readdirSync(join(state, "journal")))
    appendFileSync(join(state, "journal", name), 'deadbeef {"ty');
  plane.refuses = () => undefined;
  start();
  const finished = await coordinator.finished("offline");
  expect(finished.outcome.type).toBe("unknown");
  const expected = `${Array.from({ length: 50_000 }, (_, index) => index + 1).join("\n")}\n`;
  expect(coordinator.output("offline", "stdout").toString()).toBe(expected);
});

const spoolFile = (state: string) => {
  const [name = "none"] = readdirSync(join(state, "spool"));
  return join(state, "spool", name);
};

const NO_DATA_SOCKET = (upgraded: string) =>
  upgraded.includes("/executions/") ? "HTTP/1.1 503 Unavailable\r\nconnection: close\r\n\r\n" : undefined;

it("[OT4] a spool that lost its tail with the power: the result says what is there, and what is not", async () => {
  const { plane, agent, start, state } = await connectedSite();
  plane.refuses = NO_DATA_SOCKET;
  const { coordinator } = await plane.offer({
    blocks: [command("short", "echo first; sleep 0.3; echo second; exit 4")],
  });
  await agent.logged("step ended");
  await agent.kill();
  truncateSync(spoolFile(state), statSync(spoolFile(state)).size - 3);
  plane.refuses = () => undefined;
  start();
  expect(await coordinator.finished("short")).toMatchObject({
    outcome: { type: "exited", exitCode: 4 },
    streams: { stdout: { bytes: 6, sha256: coordinator.sha256("short", "stdout"), cutBytes: 7 } },
  });
});

it("[OT4] a spool that is gone takes nothing from a result whose output has arrived", async () => {
  const { plane, agent, start, state } = await connectedSite();
  const { coordinator, finished } = await plane.run({
    blocks: [command("short", "echo first; exit 4")],
    configure: (each) => {
      each.records = false;
    },
  });
  await agent.kill();
  truncateSync(spoolFile(state), 0);
  const before = coordinator.of("step.finished").length;
  start();
  await plane.changes.until("the result again", () => coordinator.of("step.finished").length > before);
  expect(coordinator.of("step.finished").at(-1)).toEqual(finished);
});

it("[OT4] a spool that cannot be opened keeps the agent from nothing: what it held is told as cut", async () => {
  const { plane, agent, start, state } = await connectedSite();
  plane.refuses = NO_DATA_SOCKET;
  const { coordinator } = await plane.offer({ blocks: [command("short", "echo first; exit 4")] });
  await agent.logged("step ended");
  await agent.kill();
  const spool = spoolFile(state);
  rmSync(spool);
  symlinkSync(spool, spool);
  plane.refuses = () => undefined;
  start();
  expect(await coordinator.finished("short")).toMatchObject({
    outcome: { type: "exited", exitCode: 4 },
    streams: { stdout: { bytes: 0, cutBytes: 6 } },
  });
});

it("[OT5] [ST2] says so when it cannot know how much the limit had cut before a crash", async () => {
  const { plane, agent, start } = await connectedSite();
  const { coordinator } = await plane.offer({
    blocks: [command("long", "seq 1 100000; sleep 300", { outputLimitBytes: CHUNK_MAX_BYTES })],
  });
  await plane.changes.until(
    "all of it",
    () => coordinator.output("long", "stdout").length >= CHUNK_MAX_BYTES,
  );
  await agent.kill();
  start();
  expect((await coordinator.finished("long")).outcome).toMatchObject({
    type: "unknown",
    detail: expect.stringContaining("its output had come to its limit, and how much was cut is not known"),
  });
});

it("[ST2] kills no stranger that happens to look like a child", async () => {
  const { plane, agent, start } = await connectedSite();
  const { coordinator } = await plane.offer({ blocks: [command("long", "echo up; sleep 300")] });
  await coordinator.printed("long", "up");
  const stranger = spawn("sleep", ["300"], { env: { FARHAND_ATTEMPT_ID: "another" }, stdio: "ignore" });
  await agent.kill();
  start();
  await coordinator.finished("long");
  expect(isAlive(stranger.pid ?? 0)).toBe(true);
  stranger.kill("SIGKILL");
});

it("[fault 36] SIGTERM: takes nothing new, ends what runs with what hides of it, reports it, and exits with 0", async () => {
  const { plane, agent, start, path } = await connectedSite();
  const hides = `env -i setsid bash -c "trap '' TERM INT; echo \\$\\$ > ${path("pid")}; while :; do sleep 0.2; done" &`;
  const { coordinator } = await plane.offer({ blocks: [command("long", `${hides} echo up; sleep 300`)] });
  await coordinator.printed("long", "up");
  const hidden = Number(await lineIn(path("pid")));
  const pid = coordinator.of("step.started")[0]?.pid ?? 0;
  expect(await agent.terminate()).toBe(0);
  expect(isAlive(hidden)).toBe(false);
  expect(coordinator.of("step.finished")[0]?.outcome).toEqual({
    type: "stopped",
    reason: "agent_stopped",
    confirmed: true,
  });
  expect(isAlive(pid)).toBe(false);
  expect(coordinator.closes).toEqual([1000]);
  start();
  await plane.changes.until("another hello", () => coordinator.of("hello").length === 2);
  expect(coordinator.of("hello")[1]?.attempts).toEqual([]);
});

it("a second signal stops it at once, and still leaves no child behind", async () => {
  const { plane, agent } = await connectedSite();
  const { coordinator } = await plane.offer({
    blocks: [command("stubborn", "trap '' TERM INT; echo up; while :; do sleep 1; done")],
  });
  await coordinator.printed("stubborn", "up");
  const pid = coordinator.of("step.started")[0]?.pid ?? 0;
  agent.child.kill("SIGTERM");
  await agent.logged("shutting down");
  agent.child.kill("SIGINT");
  expect(await agent.exited).toBe(1);
  await gone([pid]);
});

it("refuses to run twice on one state directory, and takes over from a dead one", async () => {
  const { plane, agent, state, start } = await connectedSite();
  const second = await agentCommand(["run", "--state", state]);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`another farhand-agent (process ${agent.pid})`);
  await agent.kill();
  start();
  await plane.changes.until("the next hello", () => plane.controls[1]?.of("hello")[0]);
});
