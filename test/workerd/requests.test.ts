import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { metadataSchema } from "#protocol/api/envelope.ts";
import { problemSchema } from "#protocol/errors.ts";
import { createApp } from "../../worker/app.ts";
import { type Answer, call, ORIGIN, type Person, signUp } from "./harness.ts";

let person: Person;
beforeAll(async () => {
  person = await signUp();
});

const unescaped = (html: string) =>
  html.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
const problemOf = (answer: Answer) => problemSchema.parse(answer.json);
const post = (raw: BodyInit, headers: Record<string, string> = { "content-type": "application/json" }) =>
  call("/api/v1/pools", { method: "POST", key: person.key, raw, headers });

describe("every answer", () => {
  test("has its data in an envelope and the headers of the API", async () => {
    const answer = await call("/api/v1/me", { key: person.key });
    const { metadata } = z.object({ data: z.object({}), metadata: metadataSchema }).parse(answer.json);
    expect(metadata.requestId).toBe(answer.headers.get("x-request-id"));
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(Math.abs(Date.parse(answer.headers.get("date") ?? "") - Date.now())).toBeLessThan(60_000);
    for (const name of ["limit", "remaining", "reset"]) {
      expect(answer.headers.get(`x-ratelimit-${name}`)).toMatch(/^\d+$/);
    }
  });

  test("that refuses is a problem document with the same headers", async () => {
    const answer = await call("/api/v1/me");
    expect(answer.status).toBe(401);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(problemOf(answer)).toMatchObject({
      code: "unauthenticated",
      status: 401,
      requestId: answer.headers.get("x-request-id"),
    });
    expect(answer.headers.get("x-ratelimit-limit")).toBe("600");
    expect(answer.headers.get("date")).toMatch(/ GMT$/);
  });

  test("an address that is not there is a 404, one for another method a 405 that says which", async () => {
    const nowhere = await call("/api/v1/nonsense", { key: person.key });
    expect([nowhere.status, problemOf(nowhere).code]).toEqual([404, "not_found"]);
    const method = await call("/api/v1/runbooks", { method: "PATCH", key: person.key });
    expect([method.status, problemOf(method).code]).toEqual([405, "method_not_allowed"]);
    expect(method.headers.get("allow")).toBe("GET, POST");
    const nested = await call("/api/v1/runbooks/rb_x/versions", { method: "DELETE", key: person.key });
    expect(nested.status).toBe(405);
  });
});

describe("bad input", () => {
  test.each([
    ["{", "not valid JSON"],
    ["", "empty"],
    ["{'name': 'x'}", "not valid JSON"],
    ['{"name": "x"} trailing', "not valid JSON"],
    ['{"name": "\\ud800"}', "surrogate"],
    [`${"[".repeat(100_000)}`, "not valid JSON"],
  ])("that is no JSON is told so: %s", async (body, words) => {
    const answer = await post(body);
    expect([answer.status, problemOf(answer).code]).toEqual([400, "malformed_json"]);
    expect(problemOf(answer).detail).toContain(words);
    expect(problemOf(answer).detail).not.toMatch(/\bat .*\.ts/);
  });

  test.each([
    ["lists", "[", "]"],
    ["maps", '{"a":', "}"],
  ])("that is nested 100,000 levels deep is told so: %s", async (_, open, close) => {
    const answer = await post(`{"name":${open.repeat(100_000)}1${close.repeat(100_000)}}`);
    expect([answer.status, problemOf(answer).code]).toEqual([400, "malformed_json"]);
    expect(problemOf(answer).detail).toContain("nested deeper than 128 levels");
  });

  test("that is not UTF-8 is told so", async () => {
    const answer = await post(new Uint8Array([0x22, 0xff, 0xfe, 0x22]));
    expect(problemOf(answer)).toMatchObject({ code: "malformed_json", detail: "The body is not UTF-8." });
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])(
    "of type %s is refused",
    async (type) => {
      const answer = await post('{"name":"x"}', { "content-type": type });
      expect([answer.status, problemOf(answer).code]).toEqual([415, "unsupported_media_type"]);
    },
  );

  test("over 1 MiB is refused, announced or not", async () => {
    const big = `{"name":"${"x".repeat(1024 * 1024)}"}`;
    expect((await post(big)).status).toBe(413);
    const parts = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 20; i++) controller.enqueue(new Uint8Array(100_000).fill(0x20));
        controller.close();
      },
    });
    const answer = await post(parts);
    expect([answer.status, problemOf(answer).code]).toEqual([413, "payload_too_large"]);
  });

  test.each([
    [{}, "/name"],
    [{ name: 7 }, "/name"],
    [{ name: "Not A Name" }, "/name"],
    [{ name: "ok", extra: 1 }, ""],
    [[], ""],
    [null, ""],
    ["text", ""],
  ])("of the wrong shape says where: %j", async (body, path) => {
    const answer = await post(JSON.stringify(body));
    expect([answer.status, problemOf(answer).code]).toEqual([400, "invalid_request"]);
    expect(problemOf(answer).issues?.[0]?.path).toBe(path);
    expect(problemOf(answer).detail).not.toMatch(/Invalid |expected .*received|undefined/);
  });

  test("a __proto__ in a body is an unknown field and pollutes nothing", async () => {
    const answer = await post('{"name":"proto","__proto__":{"polluted":true}}');
    expect(answer.status).toBe(400);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  test.each(["limit=0", "limit=101", "limit=x", "limit=1.5", "unknown=1"])(
    "in a query is refused: %s",
    async (query) => {
      const answer = await call(`/api/v1/runbooks?${query}`, { key: person.key });
      expect([answer.status, problemOf(answer).code]).toEqual([400, "invalid_request"]);
    },
  );

  test.each([
    "rb_",
    "rb_00000000000000000000000000",
    "..",
    "%00",
    "%ff",
    "'; DROP TABLE runbooks;--",
    "a".repeat(3000),
  ])("an id that is none is not found: %s", async (id) => {
    for (const path of [`/runbooks/${id}`, `/agents/${id}`, `/executions/${id}`]) {
      const answer = await call(`/api/v1${path}`, { key: person.key });
      expect([path, answer.status]).toEqual([path, 404]);
    }
  });

  test.each(["", " ", "fh_live_", "Bearer", "x".repeat(10_000), "fh_live_\u00e9"])(
    "a key that is none is refused: %s",
    async (key) => {
      const answer = await call("/api/v1/me", { headers: { authorization: `Bearer ${encodeURI(key)}` } });
      expect(answer.status).toBe(401);
    },
  );

  test("too many requests are told when to come back", async () => {
    const busy = await signUp();
    const settings = { ...env, RATE_LIMIT_PER_MINUTE: "4" };
    const app = createApp();
    const ask = () =>
      app.fetch(
        new Request(`${ORIGIN}/api/v1/me`, { headers: { "x-api-key": busy.key } }),
        settings,
        createExecutionContext(),
      );
    const answers: Response[] = [];
    for (let i = 0; i < 5; i++) answers.push(await ask());
    const last = answers.at(-1);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 429]);
    expect(Number(last?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(last?.headers.get("x-ratelimit-remaining")).toBe("0");
    expect(problemSchema.parse(await last?.json()).code).toBe("rate_limited");
  });
});

describe("a server that is not set up", () => {
  test("says which settings are missing", async () => {
    const answer = await createApp().fetch(
      new Request(`${ORIGIN}/api/v1/health`),
      { ...env, AUTH_SECRET: "short", PUBLIC_URL: undefined },
      createExecutionContext(),
    );
    expect(answer.status).toBe(500);
    const { detail } = problemSchema.parse(await answer.json());
    expect(detail).toContain("AUTH_SECRET is too short");
    expect(detail).toContain("PUBLIC_URL is missing");
  });
});

describe("open to everybody", () => {
  test("health", async () => {
    const answer = await call("/api/v1/health");
    expect([answer.status, answer.json]).toMatchObject([200, { data: { status: "ok" } }]);
  });

  test("the OpenAPI document has every operation, with its problems", async () => {
    const answer = await call("/api/v1/openapi.json");
    const document = z
      .object({
        openapi: z.literal("3.1.0"),
        paths: z.record(
          z.string(),
          z.record(z.string(), z.object({ responses: z.record(z.string(), z.unknown()) })),
        ),
      })
      .parse(answer.json);
    expect(Object.keys(document.paths).length).toBeGreaterThan(15);
    expect(answer.text.length).toBeLessThan(300_000);
    const trigger = document.paths["/api/v1/runbooks/{runbookId}/executions"]?.post;
    expect(Object.keys(trigger?.responses ?? {})).toEqual(
      expect.arrayContaining(["201", "400", "401", "403", "404", "409", "422", "429", "500", "503"]),
    );
  });

  test("the reference is a page without scripts that browsers may not frame", async () => {
    const answer = await call("/docs");
    expect(answer.headers.get("content-type")).toContain("text/html");
    expect(answer.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(answer.text).not.toContain("<script");
    expect(answer.text).toContain("Run a runbook");
    for (const words of ["X-API-Key: $KEY", 'id="first-calls"', "<code>", "Alias of <code>POST /api/v1/"]) {
      expect(unescaped(answer.text)).toContain(words);
    }
    // What is between tags has no backtick left, and aliases come last.
    expect(answer.text.replaceAll(/<pre.*?<\/pre>/gs, "")).not.toContain("`");
    expect(answer.text.lastIndexOf("<h2>Aliases</h2>")).toBeGreaterThan(
      answer.text.lastIndexOf("<h2>Agents</h2>"),
    );
    expect(unescaped(answer.text)).toContain(`-d '{"name":"prod-eu"}'`);
    // Each schema stands there once, however many operations use it: repeated, it would be several MB.
    expect(answer.text.length).toBeLessThan(600_000);
    const links = [...answer.text.matchAll(/href="#(schema-\w+)"/g)].map(([, id]) => id);
    expect(links).toContain("schema-Execution");
    for (const id of links) expect(answer.text).toContain(`id="${id}"`);
    expect((await call("/docs/reference.css")).headers.get("content-type")).toContain("text/css");
  });
});
