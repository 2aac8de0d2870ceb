import { describe, expect, it } from "vitest";
import { VALUES_MAX_BYTES } from "../limits.ts";
import { isExpected, valueAt, valuesOf } from "./answer.ts";
import { redactHeaders, redactText } from "./redact.ts";
import { redirectedRequest } from "./redirect.ts";
import { renderExchange } from "./render.ts";
import { type ApiFields, type HttpRequest, resolveRequest } from "./request.ts";

function block(fields: Partial<ApiFields> = {}): ApiFields {
  return { kind: "api", id: "call", method: "GET", url: "https://example.com/a", ...fields };
}

function requestOf(fields: Partial<ApiFields>, inputs = {}): HttpRequest {
  const resolved = resolveRequest(block(fields), inputs);
  if (!resolved.ok) throw new Error(resolved.detail);
  return resolved.request;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (body?: Uint8Array) => new TextDecoder().decode(body);

describe("the request of an api block", () => {
  it("puts inputs where the block has expressions, as data", () => {
    const expr = { expr: "params.x" };
    const request = requestOf(
      {
        method: "POST",
        url: expr,
        query: { q: expr, r: "as it is" },
        headers: { "X-Trace": expr },
        body: expr,
      },
      { url: "https://example.com/b?x=%20", "query/q": "a&b=c d", "headers/X-Trace": "t", body: "hällo" },
    );
    expect(request.url).toBe("https://example.com/b?x=%20&q=a%26b%3Dc+d&r=as+it+is");
    expect(request.headers).toEqual([
      ["x-trace", "t"],
      ["user-agent", "farhand"],
    ]);
    expect(text(request.body)).toBe("hällo");
  });

  it("sends data as JSON, and says so unless the block says something else", () => {
    const body = { json: { a: [1] } };
    const request = requestOf({ method: "PUT", body });
    expect(text(request.body)).toBe('{"a":[1]}');
    expect(request.headers).toContainEqual(["content-type", "application/json"]);
    const headers = { "Content-Type": "application/vnd.api+json" };
    expect(requestOf({ method: "PUT", body, headers }).headers[0]?.[1]).toBe("application/vnd.api+json");
  });

  it("leaves out the fragment, which is nobody's business but a browser's", () => {
    expect(requestOf({ url: "https://example.com/a#b" }).url).toBe("https://example.com/a");
  });

  it.each<[string, Partial<ApiFields>, Record<string, string>]>([
    ["the URL cannot be read", { url: "example.com" }, {}],
    ["this one with ftp:", { url: "ftp://example.com" }, {}],
    ["user name or password", { url: "https://user:secret@example.com" }, {}],
    ["a GET request has no body", { body: "x" }, {}],
    ["a HEAD request has no body", { method: "HEAD", body: { json: 1 } }, {}],
    ["the header host cannot be set", { headers: { Host: "other" } }, {}],
    ["the header content-length cannot be set", { headers: { "content-length": "1" } }, {}],
    ["the header transfer-encoding cannot be set", { headers: { "Transfer-Encoding": "chunked" } }, {}],
    ["the header accept stands here twice", { headers: { accept: "a", Accept: "b" } }, {}],
    ["no line breaks", { headers: { a: { expr: "x" } } }, { "headers/a": "b\r\nhost: other" }],
    ["the value of url was not worked out", { url: { expr: "x" } }, {}],
    ["the value of query/q was not worked out", { query: { q: { expr: "x" } } }, {}],
  ])("says in words: %s", (words, fields, inputs) => {
    const resolved = resolveRequest(block(fields), inputs);
    expect(resolved.ok ? "" : resolved.detail).toContain(words);
  });

  it("never repeats a password that it refuses", () => {
    const resolved = resolveRequest(block({ url: "https://user:hunter2@example.com" }), {});
    expect(JSON.stringify(resolved)).not.toContain("hunter2");
  });
});

describe("a redirect", () => {
  const post: HttpRequest = {
    method: "POST",
    url: "https://example.com/a/b",
    headers: [
      ["authorization", "Bearer abc"],
      ["cookie", "a=b"],
      ["x-api-key", "k"],
      ["x-custom", "Bearer abcdefghijklmnop"],
      ["content-type", "text/plain"],
      ["accept", "*/*"],
    ],
    body: bytes("x"),
  };
  const names = (request?: HttpRequest) => request?.headers.map(([name]) => name);

  it.each([
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [303, "POST", "GET"],
    [303, "DELETE", "GET"],
    [303, "HEAD", "HEAD"],
    [302, "HEAD", "HEAD"],
    [302, "PUT", "PUT"],
    [307, "POST", "POST"],
    [308, "PATCH", "PATCH"],
  ] as const)("with %i after %s is followed with %s", (status, method, then) => {
    const next = redirectedRequest({ ...post, method }, status, "/c#d");
    expect(next).toMatchObject({ method: then, url: "https://example.com/c" });
    const keepsBody = then === method;
    expect(next?.body !== undefined).toBe(keepsBody);
    expect(names(next)?.includes("content-type")).toBe(keepsBody);
    expect(names(next)).toContain("authorization");
  });

  it("[S10] tells no credentials to another origin", () => {
    for (const other of ["https://example.org/", "https://example.com:8443/", "//a.example.com/"]) {
      expect(names(redirectedRequest(post, 307, other))).toEqual(["content-type", "accept"]);
    }
  });

  it("leads nowhere with another status, without a location or with one that cannot be read", () => {
    for (const status of [200, 300, 304, 305, 404]) {
      expect(redirectedRequest(post, status, "/c")).toBeUndefined();
    }
    expect(redirectedRequest(post, 302, null)).toBeUndefined();
    expect(redirectedRequest(post, 302, "https://exa mple/")).toBeUndefined();
  });
});

describe("what an answer means", () => {
  it("counts 200 to 299 as success unless the block lists others", () => {
    expect([199, 200, 204, 299, 300].map((status) => isExpected({}, status))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
    expect(isExpected({ expect: [404] }, 404)).toBe(true);
    expect(isExpected({ expect: [404] }, 200)).toBe(false);
  });

  it("follows pointers as RFC 6901 has them", () => {
    const document = { foo: ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, " ": 7, 'k"l': 6, n: null };
    const found = ["", "/foo", "/foo/0", "/", "/a~1b", "/m~0n", "/ ", '/k"l', "/n"];
    expect(found.map((pointer) => valueAt(document, pointer))).toEqual([
      document,
      ["bar", "baz"],
      "bar",
      0,
      1,
      8,
      7,
      6,
      null,
    ]);
    expect(valueAt({ "~1": 5 }, "/~01")).toBe(5);
    const missing = [
      "/x",
      "/foo/2",
      "/foo/-",
      "/foo/01",
      "/foo/length",
      "/foo/0/0",
      "/n/x",
      "/toString",
      "/~01",
    ];
    for (const pointer of missing) expect(valueAt(document, pointer)).toBeUndefined();
  });

  it("takes values, null among them", () => {
    const outputs = { version: "/data/version", none: "/none", all: "" };
    const body = { data: { version: "1.2" }, none: null };
    expect(valuesOf({ outputs }, bytes(`\uFEFF${JSON.stringify(body)}`))).toEqual({
      ok: true,
      values: { version: "1.2", none: null, all: body },
    });
    expect(valuesOf({}, bytes("no JSON"))).toEqual({ ok: true, values: undefined });
  });

  it.each([
    ['it did not hand on "v": the answer has nothing at /v', "{}"],
    ["is not JSON", "<html>"],
    ["is not JSON", '{"v": 1'],
    ["has no body", ""],
    ["too large to be kept exactly", '{"v": [12345678901234567890]}'],
    ['has a key named "__proto__"', '{"v": [{"__proto__": 1}]}'],
    ["nested deeper than 100 levels", `{"v": ${"[".repeat(50_000)}${"]".repeat(50_000)}}`],
    [`at most ${VALUES_MAX_BYTES}`, JSON.stringify({ v: "ä".repeat(VALUES_MAX_BYTES / 2) })],
  ])("says in words that it %s", (words, body) => {
    const values = valuesOf({ outputs: { v: "/v" } }, bytes(body));
    expect(values.ok ? "" : values.detail).toContain(words);
  });

  it("does not take text for JSON that is not UTF-8", () => {
    const body = new Uint8Array([...bytes('{"v":"'), 0xff, ...bytes('"}')]);
    expect(valuesOf({ outputs: { v: "/v" } }, body).ok).toBe(false);
  });
});

describe("what is shown of an exchange", () => {
  it.each([
    ["Authorization", "anything"],
    ["proxy-authorization", "anything"],
    ["cookie", "anything"],
    ["Set-Cookie", "anything"],
    ["x-api-key", "anything"],
    ["x-auth-token", "anything"],
    ["x-vault-token", "anything"],
    ["x-hub-signature-256", "anything"],
    ["private-key", "anything"],
    ["x-echo", "Bearer abcdefghijkl"],
    ["x-echo", "Basic YWxhZGRpbjpvcGVu"],
    ["x-echo", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def_ghi"],
    ["x-echo", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"],
    ["x-echo", "AKIAIOSFODNN7EXAMPLE12"],
    ["location", "https://example.com/?access_token=hunter2"],
    ["location", "/back?code=hunter2&state=x"],
  ])("holds no credential: %s: %s", (name, value) => {
    const [[, shown = ""] = []] = redactHeaders([[name, value]]);
    expect(shown).toContain("[redacted]");
    expect(shown).not.toMatch(/anything|hunter2|abcdefghijkl|YWxh|eyJ|AKIA/);
  });

  it.each([
    ["content-type", "application/json"],
    ["etag", '"33a64df551425fcc55e4d42a148795d9f25f89d4"'],
    ["x-request-id", "f058ebd6-02f7-4d3f-942e-904344e8cde5"],
    ["www-authenticate", 'Bearer realm="example"'],
    ["access-control-allow-credentials", "true"],
    ["author", "Ada"],
    ["location", "https://example.com/?page=2&sort=name"],
  ])("leaves what is none: %s: %s", (name, value) => {
    expect(redactHeaders([[name, value]])).toEqual([[name, value]]);
  });

  it("is not slow on text that is made to be slow", () => {
    const hostile = ["?;", "?token", "&a", "bearer ", "Bearer a", "eyJ", "token=", "-key-"];
    const started = performance.now();
    for (const part of hostile) {
      redactText(part.repeat(100_000 / part.length));
      redactHeaders([[part.repeat(10_000 / part.length), "x"]]);
    }
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it("is the request, the status, the headers, a blank line and the body, hop by hop", () => {
    const shown = renderExchange(
      [
        {
          request: { method: "GET", url: "https://example.com/?api_key=hunter2" },
          answer: { status: 302, statusText: "Found", headers: [["location", "/b"]] },
        },
        {
          request: { method: "GET", url: "https://example.com/b" },
          answer: { status: 200, statusText: "", headers: [["set-cookie", "id=1"]] },
        },
      ],
      bytes("hello"),
      "only the first 5 bytes of the answer were read",
    );
    expect(text(shown)).toBe(`GET https://example.com/?api_key=[redacted]
302 Found
location: /b

GET https://example.com/b
200
set-cookie: [redacted]

hello
[only the first 5 bytes of the answer were read]
`);
  });
});
