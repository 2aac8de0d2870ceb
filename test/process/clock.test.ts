/**
 * Rules about time, with a clock that the test moves: a real agent in this
 * process, real sockets, real children, and not one second waited for.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { AGENT_PATHS } from "#protocol/assertion.ts";
import { HEARTBEAT_INTERVAL_MS, HEARTBEAT_TIMEOUT_MS, LEASE_DISCONNECT_MS } from "#protocol/limits.ts";
import { Agent } from "../../agent/agent.ts";
import { ConnectCounter } from "../../agent/connection/counter.ts";
import { createDial } from "../../agent/connection/handshake.ts";
import { ServerTime } from "../../agent/connection/serverTime.ts";
import { createTransport } from "../../agent/connection/transport.ts";
import { requestEnrollment } from "../../agent/enroll.ts";
import { generateKeyPair } from "../../agent/identity.ts";
import { KeyRing } from "../../agent/keys.ts";
import { statePaths } from "../../agent/paths.ts";
import { DEFAULT_POLICY } from "../../agent/policy/policy.ts";
import { ManualClock } from "../../agent/testing/manual-clock.ts";
import { silentLog } from "../../agent/testing/silent-log.ts";
import { clearCgroups } from "../harness/cgroups.ts";
import { type Coordinator, FakeControlPlane } from "./fake-control-plane.ts";
import { command, isAlive } from "./harness.ts";

let tidy: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const each of tidy.reverse()) await each();
  tidy = [];
});

async function connectedAgent() {
  const plane = await FakeControlPlane.start();
  const root = mkdtempSync(join(tmpdir(), "farhand-clock-"));
  tidy.push(() => clearCgroups(root));
  tidy.push(() => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));
  tidy.push(() => plane.stop());
  const keys = generateKeyPair();
  const request = { joinToken: "t", publicKey: keys.publicKey, name: "n", labels: {}, agentVersion: "x" };
  const transport = createTransport({ url: plane.url });
  const enrolled = await requestEnrollment(transport, request);
  const identity = { ...keys, ...enrolled, url: plane.url, name: "n", labels: {}, slots: 4, enrolledAt: "" };
  const clock = new ManualClock();
  plane.now = () => clock.now();
  const agent = await Agent.open({
    ...{ clock, slots: 4, log: silentLog, paths: statePaths(root), policy: DEFAULT_POLICY },
    identity,
    providers: [],
    dial: createDial({
      ...{ clock, transport, time: new ServerTime(clock), log: silentLog },
      keys: KeyRing.open(statePaths(root), identity),
      counter: ConnectCounter.open(statePaths(root).connects),
    }),
    random: () => 0.5,
    updates: { describe: () => ({ mode: "off", installs: false }), welcomed: () => {}, want: () => {} },
  });
  agent.start();
  await plane.connected();
  tidy.push(async () => {
    let stopped = false;
    void agent.shutdown().then(() => {
      stopped = true;
    });
    while (!stopped) await clock.advance(100);
  });
  return { plane, clock, agent, root };
}

/** Moves the clock in small steps until a condition holds. */
async function advanceUntil(
  clock: ManualClock,
  what: string,
  look: () => boolean,
  stepMs = 10,
): Promise<void> {
  for (let i = 0; i < 2_000; i++) {
    if (look()) return;
    await clock.advance(stepMs);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`never happened: ${what}`);
}

/** Lets frames that are under way arrive before time moves on. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

const pidOf = (coordinator: Coordinator) => coordinator.of("step.started")[0]?.pid ?? 0;

it("[HS3] pings both sockets every 20 s, and an answered ping keeps them open", async () => {
  const { plane, clock } = await connectedAgent();
  const { coordinator } = await plane.offer({ blocks: [command("long", "echo up; sleep 300")] });
  await coordinator.printed("long", "up");
  for (let i = 1; i <= 5; i++) {
    await clock.advance(HEARTBEAT_INTERVAL_MS);
    await plane.changes.until("a ping on each", () => plane.control.pings >= i);
    await expect.poll(() => coordinator.pings).toBeGreaterThanOrEqual(i);
    await settle();
  }
  expect([plane.controls.length, coordinator.sockets.length]).toEqual([1, 1]);
});

it("[HS3] [G14] terminates a silent peer after 45 s and dials again; the step goes on", async () => {
  const { plane, clock } = await connectedAgent();
  const { coordinator } = await plane.offer({
    blocks: [command("long", "echo up; sleep 300")],
    configure: (each) => {
      each.pongs = false;
    },
  });
  await coordinator.printed("long", "up");
  plane.pongs = false;
  await settle();
  await clock.advance(HEARTBEAT_TIMEOUT_MS - 1);
  expect([plane.control.closed, coordinator.closes]).toEqual([undefined, []]);
  await clock.advance(1);
  await plane.changes.until(
    "both terminated",
    () => plane.controls[0]?.closed === 1006 && coordinator.closes[0] === 1006,
  );
  await advanceUntil(
    clock,
    "new sockets",
    () => plane.controls.length === 2 && coordinator.sockets.length === 2,
  );
  expect(isAlive(pidOf(coordinator))).toBe(true);
});

it("[OT2] sends the oldest chunk again when nothing is acknowledged for a while", async () => {
  const { plane, clock } = await connectedAgent();
  let lost = 0;
  const { coordinator } = await plane.offer({
    blocks: [command("quiet", "echo lost; sleep 300")],
    configure: (each) => {
      each.loses = (_, binary) => binary && lost++ === 0;
    },
  });
  await plane.changes.until("a hello", () => coordinator.of("step.started").length > 0);
  await advanceUntil(clock, "the chunk again", () => coordinator.output("quiet", "stdout").length > 0);
  expect(lost).toBe(2);
  expect(coordinator.sockets).toHaveLength(1);
});

it("[OT2] [fault 16] sends nothing again that may still be on its way on a slow line", async () => {
  const { plane, clock } = await connectedAgent();
  const { coordinator } = await plane.offer({
    blocks: [command("short", "echo x")],
    configure: (each) => Object.assign(each, { acknowledges: false, records: false, pongs: false }),
  });
  const told = () => [coordinator.frames, coordinator.of("step.finished").length];
  await plane.changes.until("output and result", () => told().every((count) => count === 1));
  for (let seconds = 0; seconds < 24; seconds += 4) {
    await clock.advance(4_000);
    await settle();
  }
  expect(told()).toEqual([1, 1]);
  coordinator.pongs = true;
  await advanceUntil(clock, "both again", () => told().every((count) => count === 2));
});

it("tries an unreadable spool again now and then, on the same socket", async () => {
  const { plane, clock, root } = await connectedAgent();
  plane.refuses = (path) =>
    path === AGENT_PATHS.control ? undefined : "HTTP/1.1 503 x\r\nconnection: close\r\n\r\n";
  const { coordinator } = await plane.offer({ blocks: [command("offline", "echo printed; sleep 300")] });
  const spool = () => join(root, "spool", readdirSync(join(root, "spool"))[0] ?? "none");
  await expect.poll(() => existsSync(spool()) && statSync(spool()).size).toBeGreaterThan(0);
  const whole = readFileSync(spool());
  writeFileSync(spool(), Buffer.alloc(whole.length));
  plane.refuses = () => undefined;
  await advanceUntil(clock, "a data socket", () => coordinator.of("step.started").length > 0, 100);
  await advanceUntil(clock, "a minute", () => clock.monotonic() > 60_000, 100);
  expect(coordinator.sockets).toHaveLength(1);
  writeFileSync(spool(), whole);
  await advanceUntil(clock, "the output", () => coordinator.output("offline", "stdout").length > 0, 100);
  expect(coordinator.output("offline", "stdout").toString()).toBe("printed\n");
  expect(coordinator.sockets).toHaveLength(1);
});

it("repeats a result until it is recorded, and then forgets the attempt", async () => {
  const { plane, clock } = await connectedAgent();
  const { coordinator, finished } = await plane.run({
    blocks: [command("short", "echo x")],
    configure: (each) => {
      each.records = false;
    },
  });
  coordinator.socket.terminate();
  await advanceUntil(
    clock,
    "the result on a new socket",
    () => coordinator.sockets.length === 2 && coordinator.of("step.finished").length > 1,
  );
  const told = coordinator.of("step.finished").length;
  await advanceUntil(clock, "the result again", () => coordinator.of("step.finished").length > told + 1);
  const every = coordinator.of("step.finished").map((each) => JSON.stringify(each));
  expect(new Set(every)).toEqual(new Set([JSON.stringify(finished)]));
  coordinator.send({ type: "step.recorded", step: "short", attempt: 1 });
  coordinator.socket.terminate();
  await advanceUntil(clock, "a third socket", () => coordinator.of("hello").length === 3);
  expect(coordinator.of("hello")[2]?.attempts).toEqual([]);
});

/** Takes the lease back, as the pool does. */
function revoke(plane: FakeControlPlane, { lease: { id: leaseId, fence } }: Coordinator): void {
  plane.control.send({ type: "lease.revoke", id: `revoke:${leaseId}`, leaseId, fence, reason: "test" });
}

it("[LS2] a lease that is taken back reports what its step came to before it goes", async () => {
  const { plane, clock } = await connectedAgent();
  const { coordinator } = await plane.offer({
    blocks: [command("long", "echo up; sleep 300"), command("next", "true")],
    configure: (each) => {
      each.records = false;
    },
  });
  await coordinator.printed("long", "up");
  revoke(plane, coordinator);
  await advanceUntil(clock, "the result", () => coordinator.complete.length > 0);
  expect(coordinator.complete[0]?.outcome).toEqual({ type: "stopped", reason: "canceled", confirmed: true });
  plane.control.socket.terminate();
  await advanceUntil(clock, "another hello", () => plane.controls[1]?.of("hello").length === 1);
  expect(plane.control.of("hello")[0]?.leases).toEqual([{ ...coordinator.lease, state: "reporting" }]);
  coordinator.start("next");
  await plane.changes.until("an answer", () =>
    coordinator.of("step.finished").some((each) => each.step === "next"),
  );
  expect(coordinator.of("step.finished").at(-1)?.outcome).toMatchObject({
    type: "refused",
    code: "stale_fence",
  });
  for (const step of ["long", "next"]) {
    expect(plane.control.of("lease.ended")).toEqual([]);
    coordinator.send({ type: "step.recorded", step, attempt: 1 });
  }
  await plane.changes.until("the end of the lease", () => plane.control.of("lease.ended").length === 1);
  await plane.changes.until("the end of its socket", () => coordinator.closes[0] === 1000);
});

it("[LS2] a lease that is taken back waits 10 s for an acknowledgement, and no longer", async () => {
  const { plane, clock } = await connectedAgent();
  const { coordinator } = await plane.run({
    blocks: [command("short", "true")],
    configure: (each) => {
      each.records = false;
    },
  });
  revoke(plane, coordinator);
  revoke(plane, coordinator);
  await plane.changes.until("both acknowledgements", () => plane.control.of("ack").length === 3);
  await clock.advance(9_999);
  await settle();
  expect(plane.control.of("lease.ended")).toEqual([]);
  await clock.advance(1);
  await plane.changes.until("the end of the lease", () => plane.control.of("lease.ended").length === 1);
  revoke(plane, coordinator);
  await plane.changes.until("the answer to a repeat", () => plane.control.of("lease.ended").length === 2);
});

it("[LS3] onDisconnect stop: the step is stopped, wherever its block stands, 30 s after its coordinator went away", async () => {
  const { plane, clock } = await connectedAgent();
  const { coordinator } = await plane.offer({
    blocks: [
      {
        ...{ kind: "foreach", id: "each", items: "[1, 2]" },
        blocks: [command("long", "echo up; sleep 300", { onDisconnect: "stop" })],
      },
    ],
    firstStep: "long~1",
  });
  await coordinator.printed("long~1", "up");
  plane.refuses = (path) =>
    path === AGENT_PATHS.control ? undefined : "HTTP/1.1 503 x\r\nconnection: close\r\n\r\n";
  coordinator.socket.terminate();
  await plane.changes.until("the end of the socket", () => coordinator.closes.length === 1);
  await settle();
  await clock.advance(LEASE_DISCONNECT_MS - 1);
  expect(isAlive(pidOf(coordinator))).toBe(true);
  await advanceUntil(clock, "the step's end", () => !isAlive(pidOf(coordinator)));
  plane.refuses = () => undefined;
  await advanceUntil(clock, "the report", () => coordinator.of("step.finished").length > 0);
  expect(coordinator.of("step.finished")[0]?.outcome).toEqual({
    type: "stopped",
    reason: "disconnected",
    confirmed: true,
  });
});

it("[LS3] a connection that comes back in time stops nothing", async () => {
  const { plane, clock } = await connectedAgent();
  const { coordinator } = await plane.offer({
    blocks: [command("long", "echo up; sleep 300", { onDisconnect: "stop" })],
  });
  await coordinator.printed("long", "up");
  coordinator.socket.terminate();
  await plane.changes.until("the end of the socket", () => coordinator.closes.length === 1);
  await advanceUntil(clock, "another hello", () => coordinator.of("hello").length === 2);
  await coordinator.printed("long", "up");
  coordinator.start("long");
  await plane.changes.until("a live socket", () => coordinator.of("ack").length === 1);
  await clock.advance(15_000);
  await clock.advance(15_000);
  await settle();
  expect(isAlive(pidOf(coordinator))).toBe(true);
});

it("[LS3] [fault 15] the default goes on without its coordinator, for hours, and reports later", async () => {
  const { plane, clock } = await connectedAgent();
  const { coordinator } = await plane.offer({
    blocks: [command("long", "echo up; sleep 300", { timeoutMs: 86_400_000 })],
  });
  await coordinator.printed("long", "up");
  plane.refuses = () => "HTTP/1.1 503 x\r\nconnection: close\r\n\r\n";
  plane.cutEverything();
  await plane.changes.until("the end of the socket", () => coordinator.closes.length === 1);
  for (let hour = 0; hour < 3; hour++) await clock.advance(3_600_000);
  expect(isAlive(pidOf(coordinator))).toBe(true);
  process.kill(pidOf(coordinator), "SIGTERM");
  plane.refuses = () => undefined;
  await advanceUntil(clock, "the report", () => coordinator.of("step.finished").length > 0, 100);
  expect(coordinator.of("step.finished")[0]?.outcome).toEqual({ type: "signaled", signal: "SIGTERM" });
});

it("[G12] a wall clock that jumps an hour either way ends nothing", async () => {
  const { plane, clock } = await connectedAgent();
  const { coordinator } = await plane.offer({
    blocks: [command("long", "echo up; sleep 300", { timeoutMs: 60_000, onDisconnect: "stop" })],
  });
  await coordinator.printed("long", "up");
  for (const jump of [3_600_000, -7_200_000]) {
    clock.wallOffset += jump;
    await clock.advance(1_000);
    await settle();
    expect(isAlive(pidOf(coordinator))).toBe(true);
  }
  expect([plane.controls.length, coordinator.sockets.length]).toEqual([1, 1]);
});

it("[fault 40] a minute in which the agent could do nothing: the step runs on, and its end is told once", async () => {
  const { plane, clock, root } = await connectedAgent();
  const gate = join(root, "gate");
  const script = `echo up; until [ -e ${gate} ]; do sleep 0.02; done; echo done; exit 3`;
  const { coordinator } = await plane.offer({ blocks: [command("long", script)] });
  await coordinator.printed("long", "up");
  await clock.jump(60_000);
  writeFileSync(gate, "");
  await advanceUntil(clock, "the end", () => coordinator.complete.length > 0);
  expect(coordinator.complete.map(({ outcome }) => outcome)).toEqual([{ type: "exited", exitCode: 3 }]);
  expect(coordinator.output("long", "stdout").toString()).toBe("up\ndone\n");
});
