/** Requests that an agent makes from its network: a local server answers, late, wrongly, or not at all. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiBlock, Block } from "#protocol/blocks/index.ts";
import { connectedSite, prepareAgent } from "./harness.ts";

prepareAgent();

let server: Server;
let base = "";
const seen: { line: string; headers: IncomingMessage["headers"]; body: string }[] = [];
const hungUp: string[] = [];

const ANSWERS: Record<string, (response: ServerResponse, request: IncomingMessage) => void> = {
  "/json": (response) => response.end('{"data":{"version":"1.2","list":[1,2]}}'),
  "/text": (response) => response.end("just words"),
  "/missing": (response) => response.writeHead(404).end("not here"),
  "/moved": (response) => response.writeHead(302, { location: "/json" }).end(),
  "/elsewhere": (response) =>
    response.writeHead(302, { location: `${base.replace("127.0.0.1", "localhost")}/json` }).end(),
  "/round": (response) => response.writeHead(302, { location: "/round" }).end(),
  "/never": () => {},
  "/broken": (response) => {
    response.writeHead(200, { "content-length": "100" }).write("half");
    setTimeout(() => response.destroy(), 50);
  },
  "/endless": (response) => {
    const more = (): void => {
      while (!response.destroyed && response.write("x".repeat(64 * 1024)));
    };
    response.on("drain", more);
    more();
  },
  "/drip": (response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write("."), 50);
    response.on("close", () => clearInterval(timer));
  },
};

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url?.split("?")[0] ?? "";
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
      response.on("close", () => {
        if (!response.writableFinished) hungUp.push(path);
      });
      (ANSWERS[path] ?? ANSWERS["/missing"])?.(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  base = `http://127.0.0.1:${portOf(server.address())}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function portOf(at: ReturnType<Server["address"]>): number {
  return typeof at === "object" && at !== null ? at.port : 0;
}

function api(path: string, more: Partial<ApiBlock> = {}): ApiBlock {
  return { kind: "api", id: "call", method: "GET", url: base + path, ...more };
}

async function call(block: Block) {
  const { plane } = await connectedSite();
  const { coordinator, finished } = await plane.run({ blocks: [block] });
  return { finished, coordinator, shown: coordinator.output("call", "stdout").toString() };
}

describe("an answer", () => {
  it("is output, and its values are handed on", async () => {
    const block = api("/json", { outputs: { version: "/data/version", list: "/data/list" } });
    const { finished, shown, coordinator } = await call(block);
    expect(finished).toMatchObject({
      outcome: { type: "answered", status: 200, expected: true },
      values: { version: "1.2", list: [1, 2] },
    });
    expect(shown).toContain(`GET ${base}/json\n200 OK\n`);
    expect(shown).toMatch(/\n\n\{"data":\{"version":"1\.2","list":\[1,2\]\}\}$/);
    expect(coordinator.of("step.started")).toHaveLength(1);
  });

  it("that is not expected is told as such, with its body", async () => {
    const { finished, shown } = await call(api("/missing"));
    expect(finished.outcome).toEqual({ type: "answered", status: 404, expected: false });
    expect(shown).toMatch(/\n\nnot here$/);
    const { finished: other } = await call(api("/missing", { expect: [404] }));
    expect(other.outcome).toMatchObject({ expected: true });
  });

  it.each([
    ["/json", { nothing: "/data/missing" }, "nothing at /data/missing"],
    ["/moved", { a: "/data/version", b: "/data/missing" }, "nothing at /data/missing"],
    ["/text", { a: "" }, "is not JSON"],
  ])("from %s that lacks an output is no success, and says what is missing", async (path, outputs, words) => {
    const { finished, shown } = await call(api(path, { outputs }));
    const detail = expect.stringContaining(words);
    expect(finished.outcome).toEqual({ type: "answered", status: 200, expected: false, detail });
    expect(finished.values).toBeUndefined();
    expect(shown).toContain(words);
  });

  it("that has no end is cut at its limit", async () => {
    const { finished, shown } = await call(
      api("/endless", { answerLimitBytes: 100_000, outputs: { a: "" } }),
    );
    expect(finished.outcome).toMatchObject({ type: "answered", status: 200 });
    expect(/x{1000,}/.exec(shown)?.[0]).toHaveLength(100_000);
    expect(shown).toMatch(
      /\[the answer is longer than the 100000 bytes that are read, so no outputs can be taken from it\]\n$/,
    );
    expect(finished.values).toBeUndefined();
  });
});

it("[S13] sends what the plan says with data only in its places, and says who asks", async () => {
  const { plane } = await connectedSite();
  const hostile = `"; DROP \u00e9 & x=1#`;
  const block = api("/json", {
    ...{
      method: "POST",
      query: { q: { expr: "x" } },
      headers: { "x-it": { expr: "x" }, authorization: "hunter2" },
    },
    body: { expr: "x" },
  });
  const inputs = { "query/q": hostile, "headers/x-it": "a b", body: `${hostile}\r\n` };
  const { coordinator, finished } = await plane.run({ blocks: [block], inputs });
  expect(finished.outcome).toMatchObject({ type: "answered" });
  const request = seen.at(-1);
  expect(new URL(base + (request?.line.split(" ")[1] ?? "")).searchParams.getAll("q")).toEqual([hostile]);
  expect(request?.body).toBe(`${hostile}\r\n`);
  expect(request?.headers).toMatchObject({ "x-it": "a b", authorization: "hunter2" });
  expect(request?.headers["user-agent"]).toBe("farhand");
  expect(coordinator.output("call", "stdout").toString()).not.toContain("hunter2");
  coordinator.start("call", 2, { ...inputs, url: "http://evil.example/" });
  expect((await coordinator.finished("call", 2)).outcome).toMatchObject({ code: "unexpected_input" });
  coordinator.start("call", 3, { ...inputs, "headers/x-it": "a\r\nx-evil: 1" });
  expect((await coordinator.finished("call", 3)).outcome).toMatchObject({
    type: "refused",
    code: "bad_request",
  });
});

describe("redirects", () => {
  it("are followed, without credentials to another host, and not for ever", async () => {
    expect((await call(api("/moved"))).finished.outcome).toMatchObject({ type: "answered", status: 200 });
    const { finished, shown } = await call(api("/elsewhere", { headers: { authorization: "hunter2" } }));
    expect(finished.outcome).toMatchObject({ status: 200 });
    expect(shown).toMatch(/\n\nGET http:\/\/localhost:\d+\/json\n200 OK\n/);
    expect(seen.slice(-2).map(({ headers }) => headers.authorization)).toEqual(["hunter2", undefined]);
    const before = seen.length;
    const round = await call(api("/round"));
    expect(round.finished.outcome).toMatchObject({
      type: "unanswered",
      detail: expect.stringContaining("more than 5 times"),
    });
    expect(seen.length - before).toBe(6);
  });

  it("are the answer when the block expects them", async () => {
    const before = seen.length;
    const { finished } = await call(api("/moved", { expect: [302] }));
    expect(finished.outcome).toEqual({ type: "answered", status: 302, expected: true });
    expect(seen.length - before).toBe(1);
  });
});

describe("no answer", () => {
  it("because nobody listens", async () => {
    const nobody = createTcpServer();
    await new Promise<void>((resolve) => nobody.listen(0, "127.0.0.1", resolve));
    const port = portOf(nobody.address());
    await new Promise((resolve) => nobody.close(resolve));
    const { finished } = await call(api("", { url: `http://127.0.0.1:${port}/` }));
    expect(finished.outcome).toEqual({ type: "unanswered", detail: "nothing listens there (ECONNREFUSED)" });
  });

  it("because it broke off", async () => {
    const { finished } = await call(api("/broken"));
    expect(finished.outcome).toMatchObject({
      type: "unanswered",
      detail: expect.stringContaining("the answer broke off"),
    });
  });

  it.each(["POST", "PATCH", "PUT"] as const)(
    "[ST2] to a %s, which is told when it may have had an effect",
    async (method) => {
      const { finished } = await call(api("/broken", { method }));
      expect(finished.outcome).toMatchObject({ type: "unanswered" });
      expect("sent" in finished.outcome).toBe(method !== "PUT");
      const late = await call(api("/never", { method, timeoutMs: 1_000 }));
      const confirmed = method === "PUT";
      expect(late.finished.outcome).toEqual({ type: "stopped", reason: "timed_out", confirmed });
      const refused = await call(api("", { method, url: "http://127.0.0.1:1/" }));
      expect(refused.finished.outcome).not.toHaveProperty("sent");
    },
  );

  it.each(["/never", "/drip"])("in time from %s", async (path) => {
    const { finished } = await call(api(path, { timeoutMs: 1_000 }));
    expect(finished.outcome).toEqual({ type: "stopped", reason: "timed_out", confirmed: true });
    await expect.poll(() => hungUp).toContain(path);
  });
});

it("[CX1] a cancel hangs up", async () => {
  const { plane } = await connectedSite();
  hungUp.length = 0;
  const before = seen.length;
  const { coordinator } = await plane.offer({ blocks: [api("/never")] });
  await expect.poll(() => seen.length).toBe(before + 1);
  await plane.changes.until("the start", () => coordinator.of("step.started").length > 0);
  coordinator.cancel("call", 10_000);
  expect((await coordinator.finished("call")).outcome).toEqual({
    ...{ type: "stopped", reason: "canceled", confirmed: true },
  });
  await expect.poll(() => hungUp).toEqual(["/never"]);
});

it("[ST1] [ST2] [G1] a request that was under way when the agent died is unknown, and not sent again", async () => {
  const { plane, agent, start } = await connectedSite();
  const before = seen.length;
  const { coordinator } = await plane.offer({ blocks: [api("/never")] });
  await expect.poll(() => seen.length).toBe(before + 1);
  await plane.changes.until("the start", () => coordinator.of("step.started").length > 0);
  await agent.kill();
  start();
  expect((await coordinator.finished("call")).outcome).toMatchObject({
    ...{ type: "unknown", detail: expect.stringContaining("whether it was answered is not known") },
  });
  coordinator.start("call");
  await plane.changes.until("an acknowledgement", () => coordinator.of("ack").length > 0);
  expect(seen.length - before).toBe(1);
});

it("refuses a request that the plan gives to the control plane", async () => {
  const { finished } = await call(api("/json", { from: "edge" }));
  expect(finished.outcome).toMatchObject({ type: "refused", code: "not_runnable" });
});
