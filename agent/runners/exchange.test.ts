import { describe, expect, it } from "vitest";
import type { ApiBlock } from "#protocol/blocks/index.ts";
import { isExpected, renderAnswer, renderRequest, resolveRequest, valuesOf } from "./exchange.ts";
import { redirectOf } from "./http.ts";

function api(more: Partial<ApiBlock> = {}): ApiBlock {
  return { kind: "api", id: "a", method: "GET", url: "", ...more };
}
const resolve = (texts: Record<string, string>, more?: Partial<ApiBlock>) =>
  resolveRequest(api(more), new Map(Object.entries({ url: "https://example.com/a?b=1#c", ...texts })));

describe("a request", () => {
  it("has its query and headers from the texts of the block, escaped", () => {
    expect(resolve({ "query/q": "a&b=c #", "headers/X-Name": "é" })).toEqual({
      ...{ method: "GET", url: "https://example.com/a?b=1&q=a%26b%3Dc+%23", headers: { "x-name": "é" } },
    });
  });

  it("says what its body is when that is data", () => {
    const request = resolve({}, { method: "POST", body: { json: { a: [1] } } });
    expect(request).toMatchObject({ body: '{"a":[1]}', headers: { "content-type": "application/json" } });
    expect(resolve({ body: "text" }, { method: "POST" })).toMatchObject({ body: "text", headers: {} });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ["no address", { url: "example" }, /not an address like/],
    ["another scheme", { url: "file:///etc/passwd" }, /not an address like/],
    ["a password in the address", { url: "https://a:b@example.com/" }, /may not hold a password/],
    ["a header with a line break", { "headers/x-a": "1\r\nx-b: 2" }, /x-a has a line break/],
    ["a header of the connection", { "headers/Transfer-Encoding": "chunked" }, /leave it out/],
  ])("is refused with %s", (_, texts, words) => {
    expect(() => resolve(texts)).toThrow(words);
  });
});

it("tells of an exchange without what could be a secret", () => {
  const request = resolve({
    "query/access_token": "hunter2",
    "headers/authorization": "Bearer hunter2",
    "headers/x-api-key": "hunter2",
    "headers/accept": "text/plain",
  });
  const headers = { "set-cookie": "hunter2", "content-type": "text/plain" };
  const answer = { status: 200, url: request.url, headers, body: new Uint8Array(3), cut: true };
  const told = renderRequest(request) + renderAnswer(answer, request);
  expect(told).not.toContain("hunter2");
  expect(told).toContain("> GET https://example.com/a?b=1&access_token=");
  expect(told).toContain("> accept: text/plain\n< 200\n");
  expect(told).toContain("went on after 3 bytes and was cut");
});

it("expects what the block says, or any success", () => {
  expect([199, 200, 299, 300].map((status) => isExpected(api(), status))).toEqual([false, true, true, false]);
  expect([200, 404].map((status) => isExpected(api({ expect: [404] }), status))).toEqual([false, true]);
});

describe("values", () => {
  const take = (body: string, pointer: string, cut = false) =>
    valuesOf(api({ outputs: { v: pointer } }), { body: Buffer.from(body), cut });
  const data = '{"a":{"b/c":[1,{"~":null}]},"__proto__":{"x":2}}';

  it.each([
    ["", JSON.parse(data)],
    ["/a/b~1c/0", 1],
    ["/a/b~1c/1/~0", null],
    ["/__proto__/x", 2],
  ])("are taken by pointer %s", (pointer, v) => {
    expect(take(data, pointer)).toEqual({ values: { v }, problems: [] });
  });

  it.each<[string, string, string, RegExp]>([
    ["nothing is there", data, "/a/x", /nothing at "\/a\/x"/],
    ["there is only what every object has", data, "/constructor", /nothing at/],
    ["a length is no element", data, "/a/b~1c/length", /nothing at/],
    ["it is not JSON", "<html>", "/a", /is not JSON; no values/],
    ["it is too large", JSON.stringify("x".repeat(70_000)), "", /over 64 KiB/],
    ["it is too deep to be looked at", "[".repeat(20_000) + "]".repeat(20_000), "", /nested too deeply/],
  ])("are left out, in words, when %s", (_, body, pointer, words) => {
    expect(take(body, pointer)).toEqual({ values: {}, problems: [expect.stringMatching(words)] });
  });

  it("are not taken from half an answer", () => {
    expect(take(data, "", true).problems).toEqual([expect.stringMatching(/not whole/)]);
  });
});

describe("a redirect", () => {
  const request = {
    ...{ method: "POST", url: "https://one.example/a", body: "b" },
    headers: {
      authorization: "secret",
      "x-key": "secret",
      accept: "text/plain",
      "content-type": "text/plain",
    },
  };
  const to = (location: string, status = 307) => redirectOf(request, { status, headers: { location } });

  it("takes everything along on its origin, and no credential to another", () => {
    expect(to("/b")).toEqual({ ...request, url: "https://one.example/b" });
    expect(to("https://two.example/")?.headers).toEqual({
      accept: "text/plain",
      "content-type": "text/plain",
    });
  });

  it("does not post again unless it is told to keep to the method", () => {
    expect(to("/b", 303)).toMatchObject({ method: "GET", url: "https://one.example/b" });
    expect(to("/b", 303)).not.toHaveProperty("body");
    expect(to("/b", 308)).toMatchObject({ method: "POST", body: "b" });
  });

  it.each(["http://one.example/", "file:///etc/passwd", "http://["])("to %s is not followed", (location) => {
    expect(() => to(location)).toThrow(/redirected/);
  });

  it("is only one with a status that says so, and a place to go", () => {
    expect(to("/b", 200)).toBeUndefined();
    expect(redirectOf(request, { status: 302, headers: {} })).toBeUndefined();
  });
});
