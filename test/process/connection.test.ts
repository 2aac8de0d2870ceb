/** Meeting the control plane: handshake, refusals, garbage. */
import { decodeJwt } from "jose";
import { expect, it } from "vitest";
import { AGENT_PATHS } from "#protocol/assertion.ts";
import {
  command,
  connectedSite,
  gone,
  isAlive,
  lineIn,
  linesOf,
  oracle,
  prepareAgent,
  site,
} from "./harness.ts";

prepareAgent();

const http = (status: string, headers = "", body = "") =>
  `HTTP/1.1 ${status}\r\nconnection: close\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`;

it("[HS1] offers the subprotocol and its range of versions", async () => {
  const { plane } = await connectedSite();
  expect(plane.upgrades[0]?.protocol).toBe("farhand.v1");
  expect(plane.control.of("hello")[0]).toMatchObject({
    protocol: { min: 1, max: 1 },
    slots: 4,
    draining: false,
  });
});

it("[HS1] waits minutes when no version is shared, says so, and does not exit", async () => {
  const made = await site();
  made.plane.welcomes = false;
  const agent = made.start();
  (await made.plane.connected()).socket.close(4426, "upgrade the agent to 2 or newer");
  const line = await agent.logged("upgrade the agent to 2 or newer");
  expect(line.retryInMs).toBeGreaterThanOrEqual(5 * 60_000);
  expect(agent.alive).toBe(true);
});

it("[HS1] refuses a version that it never offered", async () => {
  const made = await site();
  made.plane.welcomes = false;
  const agent = made.start();
  const control = await made.plane.connected();
  control.send({ type: "welcome", protocol: 99, agentId: "x", time: Date.now(), heartbeatMs: 20_000 });
  await made.plane.changes.until("the end of the socket", () => control.closed === 4426);
  expect((await agent.logged("4426")).retryInMs).toBeGreaterThanOrEqual(5 * 60_000);
});

it("[HS2] signs each upgrade with the enrolled key, for its own path, with an id never used before", async () => {
  const { plane } = await connectedSite();
  await plane.run({ blocks: [command("a", "true")] });
  plane.control.socket.terminate();
  await plane.changes.until("a second hello", () => plane.controls[1]?.of("hello")[0]);
  // The fake has verified signature, audience, subject, expiry and that no id came twice.
  expect(plane.problems).toEqual([]);
  const claims = plane.upgrades.map(({ assertion }) => decodeJwt(assertion));
  expect(new Set(claims.map(({ jti }) => jti)).size).toBe(3);
  expect(claims.map(({ aud }) => aud)).toEqual(plane.upgrades.map(({ path }) => plane.url + path));
  expect(plane.upgrades.filter(({ path }) => path === AGENT_PATHS.control)).toHaveLength(2);
});

it.each(["401 Unauthorized", "403 Forbidden"])(
  "[HS4] [fault 19] a %s slows it down, and it goes on trying",
  async (status) => {
    const made = await site();
    made.plane.refuses = () => http(status);
    const agent = made.start();
    const line = await agent.logged("the control plane refused");
    expect(line.retryInMs).toBeGreaterThanOrEqual(30_000);
    expect(line.retryInMs).toBeLessThanOrEqual(60_000);
    expect(agent.alive).toBe(true);
  },
);

it("[HS4] tells the reason that the control plane gives", async () => {
  const made = await site();
  const detail = "This agent was revoked by Ada.";
  const body = {
    type: "about:blank",
    title: "x",
    status: 403,
    detail,
    code: "agent_revoked",
    requestId: "req_1",
  };
  made.plane.refuses = () =>
    http("403 Forbidden", "content-type: application/problem+json\r\n", JSON.stringify(body));
  await made.start().logged(detail);
});

it("[G12] [fault 28] connects with a clock that is an hour off, by the clock of whoever refused it", async () => {
  const made = await site();
  // The control plane's hour is another one, which is the same thing.
  made.plane.now = () => Date.now() + 3_600_000;
  const agent = made.start();
  const line = await agent.logged("s behind the control plane");
  expect(line.retryInMs).toBeLessThanOrEqual(1_000);
  await made.plane.connected();
  const { finished } = await made.plane.run({ blocks: [command("works", "true")] });
  expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
});

it("writes nothing but lines of its log, whatever Node has to warn of", async () => {
  const made = await site();
  const agent = made.start();
  await made.plane.connected();
  expect(agent.raw.filter((line) => !line.startsWith("{"))).toEqual([]);
});

it("[HS4] [fault 20] honours Retry-After and then connects", async () => {
  const made = await site();
  made.plane.refuses = () => http("503 Service Unavailable", "retry-after: 1\r\n");
  const agent = made.start();
  const line = await agent.logged("HTTP 503");
  const refusedAt = Date.now();
  made.plane.refuses = () => undefined;
  expect(line.retryInMs).toBeGreaterThanOrEqual(1_000);
  await made.plane.connected();
  expect(Date.now() - refusedAt).toBeGreaterThan(900);
});

it("[HS4] [fault 18] takes the page of a captive portal for what it is, and tries again", async () => {
  const made = await site();
  made.plane.refuses = () => http("200 OK", "content-type: text/html\r\n", "<html>Please log in</html>");
  const agent = made.start();
  const line = await agent.logged("not a control plane");
  expect(line.msg).toContain("captive portal");
  made.plane.refuses = () => undefined;
  await made.plane.connected();
});

it("[HS4] a control plane that is not there yet is waited for", async () => {
  const made = await site();
  made.plane.refuses = () => "";
  const agent = made.start();
  await agent.logged("cannot reach the control plane");
  made.plane.refuses = () => undefined;
  await made.plane.connected();
});

const REVOKE = '"type":"lease.revoke","id":"r","leaseId":"l","fence":1,"reason":"x"';
/** The last names a field so long that the reason would not fit into a close frame. */
const GARBAGE = ["not json", `{${REVOKE},"${"é😀".repeat(80)}":1}`];

it("survives garbage on the control socket: closes it, reconnects, works", async () => {
  const { plane, agent } = await connectedSite();
  for (const [index, frame] of GARBAGE.entries()) {
    const { control } = plane;
    control.socket.send(frame);
    await plane.changes.until("4400", () => control.closed === 4400);
    await plane.changes.until("another hello", () => plane.controls[index + 1]?.of("hello")[0]);
  }
  await agent.logged("not of the protocol");
  const { finished } = await plane.run({ blocks: [command("after", "true")] });
  expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
});

it("survives garbage on a data socket while a step runs, and loses nothing of it", async () => {
  const { plane, path } = await connectedSite();
  const { coordinator } = await plane.offer({
    blocks: [
      command("steady", `${oracle(path("oracle"))}; for i in $(seq 300); do echo $i; sleep 0.01; done`),
    ],
  });
  await coordinator.printed("steady", "1\n");
  const held = { step: "steady", attempt: 1, stream: "stdout" } as const;
  coordinator.socket.send(Buffer.from([1, 2, 3]));
  await plane.changes.until("a second hello", () => coordinator.of("hello").length === 2);
  coordinator.send({ type: "output.ack", ...held, held: 999_999_999 });
  await plane.changes.until("a third hello", () => coordinator.of("hello").length === 3);
  await coordinator.finished("steady");
  expect(coordinator.closes).toEqual([4400, 4400]);
  expect(linesOf(path("oracle"))).toHaveLength(1);
  expect(coordinator.output("steady", "stdout").toString()).toBe(
    `${Array.from({ length: 300 }, (_, index) => index + 1).join("\n")}\n`,
  );
});

it("commands about steps and streams that do not exist are harmless", async () => {
  const { plane, agent } = await connectedSite();
  const { coordinator } = await plane.offer({ blocks: [command("real", "echo up; sleep 300")] });
  await coordinator.printed("real", "up");
  const nothing = { step: "ghost", attempt: 9 } as const;
  coordinator.send({ type: "output.ack", ...nothing, stream: "stdout", held: 5 });
  coordinator.send({ type: "output.resend", ...nothing, stream: "stderr", from: 5 });
  coordinator.send({ type: "output.resend", step: "real", attempt: 1, stream: "stdout", from: 5_000_000 });
  coordinator.send({ type: "step.recorded", ...nothing });
  coordinator.send({ type: "step.recorded", step: "real", attempt: 1 });
  coordinator.cancel("real", 500);
  expect((await coordinator.finished("real")).outcome).toMatchObject({ type: "stopped" });
  expect(agent.alive).toBe(true);
  expect(coordinator.sockets).toHaveLength(1);
});

it("everything drops at once while two steps run: both go on and both are reported", async () => {
  const { plane } = await connectedSite();
  const script = "for i in $(seq 100); do echo $i; sleep 0.01; done";
  const made = await Promise.all(["a", "b"].map((id) => plane.offer({ blocks: [command(id, script)] })));
  await Promise.all(made.map(({ coordinator }, index) => coordinator.printed(index ? "b" : "a", "3\n")));
  plane.cutEverything();
  for (const [index, { coordinator }] of made.entries()) {
    const id = index ? "b" : "a";
    expect((await coordinator.finished(id)).outcome).toEqual({ type: "exited", exitCode: 0 });
    expect(coordinator.output(id, "stdout").toString().split("\n")).toHaveLength(101);
  }
});

it("[S4] one that was revoked while it was away ends what it runs as soon as it hears", async () => {
  const { plane, path } = await connectedSite();
  const { coordinator } = await plane.offer({
    blocks: [
      command("long", `trap '' TERM INT; echo $$ > '${path("pid")}'; echo up; while :; do sleep 0.2; done`),
    ],
  });
  await coordinator.printed("long", "up");
  const pid = Number(await lineIn(path("pid")));
  plane.refuses = () => http("403 Forbidden", "", "<html>a proxy of its own</html>");
  plane.cutEverything();
  await plane.changes.until("a try", () => plane.upgrades.length > 2);
  expect(isAlive(pid)).toBe(true);
  const problem = { type: "about:blank", title: "x", status: 403, code: "agent_revoked", requestId: "req_1" };
  const body = JSON.stringify({ ...problem, detail: "This agent was revoked." });
  const again = await connectedSite();
  const step = `echo $$ > '${again.path("pid")}'; echo up; sleep 300`;
  const { coordinator: other } = await again.plane.offer({ blocks: [command("other", step)] });
  await other.printed("other", "up");
  again.plane.refuses = () => http("403 Forbidden", "content-type: application/problem+json\r\n", body);
  again.plane.cutEverything();
  await gone([Number(await lineIn(again.path("pid")))]);
  expect(isAlive(pid)).toBe(true);
});
