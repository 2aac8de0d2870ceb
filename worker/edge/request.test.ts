import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ApiFields } from "#protocol/http/request.ts";
import { EDGE_TIMEOUT_MS } from "#protocol/limits.ts";
import type { Admission } from "./contract.ts";
import { requestFromEdge } from "./request.ts";

const servers: Server[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server on a free port of this machine; returns its origin. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("it has no port");
  return `http://127.0.0.1:${address.port}`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}

interface Told {
  admission?: Admission;
  publicOrigin?: string;
  inputs?: Record<string, string>;
  signal?: AbortSignal;
}

/** Makes the request as a control plane on this machine would, and notes what it asked for. */
async function call(fields: Partial<ApiFields>, told: Told = {}) {
  const fetched: string[] = [];
  const reports: [host: string, ok: boolean, probe: boolean][] = [];
  const { admission = { allowed: true, probe: false } } = told;
  const { output, ...result } = await requestFromEdge(
    { kind: "api", id: "call", method: "GET", url: "https://example.com", from: "edge", ...fields },
    told.inputs ?? {},
    {
      fetch: (url, init) => {
        fetched.push(url);
        return fetch(url, init);
      },
      breakers: {
        allow: async () => admission,
        report: async (...report) => void reports.push(report),
      },
      publicOrigin: told.publicOrigin ?? "http://localhost:8787",
      signal: told.signal ?? new AbortController().signal,
    },
  );
  return { ...result, shown: new TextDecoder().decode(output), fetched, reports };
}

describe("a request from the edge", () => {
  it("is answered, gives values and shows the exchange", async () => {
    const url = await serve((_, response) => {
      response.sendDate = false;
      response.writeHead(200, { "content-type": "application/json", "set-cookie": "id=hunter2" });
      response.end('{"version": "1.2"}');
    });
    const answer = await call({ url, outputs: { version: "/version" }, query: { key: "hunter2", a: "b" } });
    expect(answer.outcome).toEqual({ type: "answered", status: 200, expected: true });
    expect(answer.values).toEqual({ version: "1.2" });
    expect(answer.shown).toContain(`GET ${url}/?key=[redacted]&a=b\n200 OK\n`);
    expect(answer.shown).toContain("\ncontent-type: application/json\n");
    expect(answer.shown).toContain("\nset-cookie: [redacted]\n");
    expect(answer.shown).toMatch(/\n\n\{"version": "1.2"\}$/);
    expect(answer.shown).not.toContain("hunter2");
  });

  it("sends the method, the headers and the body as the block has them, and no more of its own", async () => {
    const seen: { method?: string; headers: IncomingMessage["headers"]; body: string }[] = [];
    const url = await serve(async (request, response) => {
      const { method, headers } = request;
      seen.push({ method, headers, body: await textOf(request) });
      response.end();
    });
    const block = { url, method: "PATCH", headers: { "X-A": { expr: "x" } }, body: "plain" } as const;
    await call(block, { inputs: { "headers/X-A": "from an input" } });
    expect(seen).toMatchObject([
      {
        method: "PATCH",
        headers: { "x-a": "from an input", "user-agent": "farhand", "cache-control": "no-cache" },
        body: "plain",
      },
    ]);
    expect(seen[0]?.headers["content-type"]).toBeUndefined();
  });

  it("fails on a status that does not mean success", async () => {
    const url = await serve((_, response) => response.writeHead(404).end('{"v": 1}'));
    const answer = await call({ url, outputs: { v: "/v" } });
    expect(answer.outcome).toEqual({ type: "answered", status: 404, expected: false });
    expect(answer.values).toBeUndefined();
    expect((await call({ url, expect: [404] })).outcome).toMatchObject({ expected: true });
  });

  it.each([
    ["GET", 200, "<html>", "the answer's body is not JSON"],
    ["GET", 200, "{}", "the answer has nothing at /v"],
    ["GET", 204, undefined, "the answer has no body"],
    ["HEAD", 200, '{"v": 1}', "the answer has no body"],
  ] as const)(
    "fails in words when there is no value to take: %s, %i, %s",
    async (method, status, body, words) => {
      const url = await serve((_, response) => response.writeHead(status).end(body));
      const answer = await call({ url, method, outputs: { v: "/v" } });
      expect(answer.outcome).toMatchObject({ type: "answered", status, expected: false });
      expect(answer.outcome).toHaveProperty("detail", expect.stringContaining(words));
      expect(answer.values).toBeUndefined();
      expect((await call({ url, method })).outcome).toEqual({ type: "answered", status, expected: true });
    },
  );

  it.each<{ words: string; body?: string; headers?: Record<string, string> }>([
    { body: "x", words: "a GET request has no body" },
    { headers: { "CF-Connecting-IP": "1.2.3.4" }, words: "cf-connecting-ip cannot be sent from the edge" },
    { headers: { "x-forwarded-for": "1.2.3.4" }, words: "x-forwarded-for cannot be sent" },
    { headers: { "cdn-loop": "x" }, words: "cdn-loop cannot be sent" },
  ])("is not made when $words", async ({ words, ...fields }) => {
    const answer = await call(fields);
    expect(answer.outcome).toMatchObject({ type: "refused", code: "invalid_request" });
    expect(answer.outcome).toHaveProperty("detail", expect.stringContaining(words));
    expect([answer.fetched, answer.reports, answer.shown]).toEqual([[], [], ""]);
  });
});

describe("[S10] the addresses of a request from the edge", () => {
  it.each(["https://10.0.0.1/", "https://0x7f.1/", "https://[::ffff:7f00:1]/", "http://example.com/"])(
    "are refused before anything is sent: %s",
    async (url) => {
      const answer = await call({ url }, { publicOrigin: "https://farhand.example.com" });
      expect(answer.outcome).toMatchObject({ type: "refused", code: "address_not_allowed" });
      expect([answer.fetched, answer.reports]).toEqual([[], []]);
    },
  );

  it.each([
    "http://169.254.169.254/latest/meta-data",
    "//10.0.0.1/",
    "http://0x0a000001/",
    "https://metadata.google.internal/",
    "https://user:secret@example.com/",
    "file:///etc/passwd",
  ])("are judged again after a redirect: %s", async (location) => {
    const url = await serve((_, response) => response.writeHead(302, { location }).end());
    const answer = await call({ url });
    expect(answer.outcome).toMatchObject({ type: "refused", code: "address_not_allowed" });
    expect(answer.outcome).toHaveProperty("detail", expect.stringContaining("it was redirected to"));
    expect(answer.fetched).toEqual([`${url}/`]);
  });

  it("are judged when they come from an input as well", async () => {
    const answer = await call({ url: { expr: "params.url" } }, { inputs: { url: "https://192.168.0.1/" } });
    expect(answer.outcome).toMatchObject({ type: "refused", code: "address_not_allowed" });
  });
});

describe("redirects of a request from the edge", () => {
  it("are followed, and another origin is told nothing that could be a credential", async () => {
    const seen: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      seen.push(request.url, request.headers.authorization, request.headers["x-trace"]?.toString());
      response.end("there");
    });
    const url = await serve((request, response) => {
      if (request.url === "/1") response.writeHead(302, { location: `${other}/3` }).end();
      else response.writeHead(301, { location: "/1" }).end();
      seen.push(request.headers.authorization);
    });
    const answer = await call({ url, headers: { Authorization: "Bearer abc", "X-Trace": "t" } });
    expect(answer.outcome).toMatchObject({ type: "answered", status: 200, expected: true });
    expect(seen).toEqual(["Bearer abc", "Bearer abc", "/3", undefined, undefined]);
    expect(answer.fetched).toEqual([`${url}/`, `${url}/1`, `${other}/3`]);
    expect(answer.shown).toMatch(
      /301 Moved Permanently\n(?:.*\n)*302 Found\n(?:.*\n)*200 OK\n(?:.*\n)*\nthere$/,
    );
  });

  it("are followed five times and no further", async () => {
    const leadingOn = (times: number) =>
      serve((request, response) => {
        const at = Number(request.url?.slice(1));
        if (at === times) response.end("there");
        else response.writeHead(307, { location: `/${at + 1}` }).end();
      });
    const five = await call({ url: `${await leadingOn(5)}/0` });
    expect(five.outcome).toMatchObject({ type: "answered", expected: true });
    const six = await call({ url: `${await leadingOn(6)}/0` });
    expect(six.outcome).toEqual({ type: "unanswered", detail: "it was redirected more than 5 times" });
    expect(six.fetched).toHaveLength(6);
  });

  it("are the answer when the block expects them", async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: "/b" }).end());
    const answer = await call({ url, expect: [302] });
    expect(answer.outcome).toEqual({ type: "answered", status: 302, expected: true });
    expect(answer.fetched).toHaveLength(1);
  });
});

describe("the limits of a request from the edge", () => {
  it("end a body that has no end, and hang up", async () => {
    const hungUp = Promise.withResolvers<void>();
    const url = await serve((_, response) => {
      const write = () => {
        while (!response.destroyed && response.write("x".repeat(10_000)));
      };
      response.on("drain", write).on("close", hungUp.resolve);
      write();
    });
    const answer = await call({ url, answerLimitBytes: 100_000 });
    expect(answer.outcome).toEqual({ type: "answered", status: 200, expected: true });
    expect(answer.shown).toMatch(/\n\nx{100000}\n\[only the first 100000 bytes of the answer were read\]\n$/);
    await hungUp.promise;
  });

  it("are 1 MiB of the answer unless the block says otherwise, counted as it unpacks", async () => {
    const packed = gzipSync(new Uint8Array(64 * 1024 * 1024));
    const url = await serve((_, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(packed),
    );
    const { shown } = await call({ url });
    expect(shown).toContain("only the first 1048576 bytes");
    expect(shown.length).toBeLessThan(1024 * 1024 + 1_000);
  });

  it("are the block's own for what is shown, while values come from all of the answer", async () => {
    const url = await serve((_, response) => response.end('{"v":1}'));
    const answer = await call({ url, outputLimitBytes: 3, outputs: { v: "/v" } });
    expect(answer.values).toEqual({ v: 1 });
    expect(answer.shown).toMatch(/\n\n\{"v\n\[only the first 3 bytes of the answer are shown\]\n$/);
  });

  it("leave an answer whole that just fits", async () => {
    const url = await serve((_, response) => response.end('{"v":1}'));
    const outputs = { v: "/v" };
    expect((await call({ url, answerLimitBytes: 7, outputs })).values).toEqual({ v: 1 });
    const cut = await call({ url, answerLimitBytes: 6, outputs });
    expect(cut.outcome).toMatchObject({ type: "answered", expected: false });
    expect(cut.outcome).toHaveProperty("detail", expect.stringContaining("longer than the 6 bytes"));
  });

  it("end a request that is not answered in time", async () => {
    const url = await serve(() => undefined);
    const answer = await call({ url, timeoutMs: 100 });
    const detail = "there was no whole answer within 0.1 s";
    expect(answer.outcome).toEqual({ type: "stopped", reason: "timed_out", confirmed: true, detail });
    expect(answer.shown).toBe(`GET ${url}/\n\n[${detail}]\n`);
    expect(answer.reports).toEqual([[new URL(url).host, false, false]]);
  });

  it("end a body that takes too long, and show what came of it", async () => {
    const url = await serve((_, response) => void response.write("the beginning"));
    const answer = await call({ url, timeoutMs: 200 });
    expect(answer.outcome).toMatchObject({ type: "stopped", detail: expect.stringContaining("0.2 s") });
    expect(answer.shown).toContain("\n\nthe beginning\n[there was no whole answer");
    expect(answer.reports).toEqual([[new URL(url).host, false, false]]);
  });

  it("are one time for all redirects, and never more than a minute, whatever the block asks for", async () => {
    const timeout = vi.spyOn(AbortSignal, "timeout");
    const url = await serve((request, response) => {
      if (request.url === "/") response.writeHead(302, { location: "/again" });
      response.end();
    });
    await call({ url, timeoutMs: 5_000 });
    await call({ url, timeoutMs: 3_600_000 });
    expect(timeout.mock.calls).toEqual([[5_000], [EDGE_TIMEOUT_MS]]);
  });

  it("are told when they are lower than what the block asks for", async () => {
    vi.spyOn(AbortSignal, "timeout").mockReturnValue(AbortSignal.abort());
    const { outcome } = await call({ url: await serve(() => undefined), timeoutMs: 3_600_000 });
    const words = "within 60 s, the most that a request from the edge may take";
    expect(outcome).toHaveProperty("detail", expect.stringContaining(words));
  });
});

describe("a request from the edge that fails", () => {
  it("says nothing about networks", async () => {
    const url = await serve((request) => request.socket.destroy());
    const closed = await serve(() => undefined);
    const server = servers.pop();
    server?.close();
    for (const each of [url, closed]) {
      const { host } = new URL(each);
      const answer = await call({ url: each });
      expect(answer.outcome).toEqual({ type: "unanswered", detail: `${host} could not be reached` });
      expect(answer.reports).toEqual([[host, false, false]]);
    }
  });

  it("says whether it may have had an effect", async () => {
    const url = await serve((request) => request.socket.destroy());
    const { host } = new URL(url);
    const unanswered = { type: "unanswered", detail: `${host} could not be reached` };
    for (const method of ["POST", "PATCH"] as const) {
      expect((await call({ url, method })).outcome).toEqual({ ...unanswered, sent: true });
    }
    for (const method of ["GET", "HEAD", "PUT", "DELETE"] as const) {
      expect((await call({ url, method })).outcome).toEqual(unanswered);
    }
    const refused = { allowed: false, retryAt: 0 } as const;
    expect((await call({ url, method: "POST" }, { admission: refused })).outcome).not.toHaveProperty("sent");
    const slow = await serve(() => undefined);
    const late = await call({ url: slow, method: "POST", timeoutMs: 100 });
    expect(late.outcome).toMatchObject({ type: "stopped", reason: "timed_out", confirmed: false });
  });

  it("says so also when what it was redirected to after that is not reached", async () => {
    const gone = await serve((request) => request.socket.destroy());
    const url = await serve((_, response) => response.writeHead(303, { location: gone }).end());
    expect((await call({ url, method: "POST" })).outcome).toMatchObject({ type: "unanswered", sent: true });
  });

  it("[CX1] is hung up when it is given up, which says nothing of its host", async () => {
    const giveUp = new AbortController();
    const hungUp = Promise.withResolvers<void>();
    const url = await serve((request) => {
      request.socket.once("close", () => hungUp.resolve());
      giveUp.abort();
    });
    const answer = await call({ url }, { signal: giveUp.signal });
    await hungUp.promise;
    expect(answer.outcome).toEqual({ type: "stopped", reason: "canceled", confirmed: true });
    expect(answer.reports).toEqual([]);
  });

  it("does not take for a status what is none", async () => {
    const url = await serve((_, response) => response.writeHead(999).end());
    expect((await call({ url })).outcome.type).toBe("unanswered");
    expect((await call({ url, expect: [999] })).outcome.type).toBe("unanswered");
  });

  it("tells an answer that broke off from a whole one", async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => response.destroy());
    });
    const answer = await call({ url });
    expect(answer.outcome).toMatchObject({
      type: "unanswered",
      detail: `the answer of ${new URL(url).host} broke off`,
    });
  });

  it.each([
    [500, undefined, false],
    [503, [503], true],
    [404, undefined, true],
    [200, [404], true],
  ])(
    "counts against its host when that is at fault: %i while %j is expected",
    async (status, expect_, ok) => {
      const url = await serve((_, response) => response.writeHead(status).end());
      const answer = await call({ url, expect: expect_ }, { admission: { allowed: true, probe: true } });
      expect(answer.reports).toEqual([[new URL(url).host, ok, true]]);
    },
  );

  it("is not made while its host is left alone", async () => {
    const answer = await call({}, { admission: { allowed: false, retryAt: Date.UTC(2026, 0, 1) } });
    const detail =
      "example.com failed several times in a row; no request goes there before 2026-01-01T00:00:00.000Z";
    expect(answer.outcome).toEqual({ type: "unanswered", detail });
    expect([answer.fetched, answer.reports]).toEqual([[], []]);
  });
});
