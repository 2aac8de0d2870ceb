import { expect, test } from "vitest";
import { redirectedRequest } from "./redirect.ts";
import type { HttpRequest } from "./request.ts";

const request: HttpRequest = {
  method: "POST",
  url: "https://one.example.com/a",
  headers: [
    ["accept", "text/plain"],
    ["content-type", "application/json"],
    ["x-token-of-ours", "secret"],
  ],
  body: new TextEncoder().encode("{}"),
};

test("another origin is told nothing that could be a credential", () => {
  expect(redirectedRequest(request, 307, "https://two.example.com/b")?.headers).toEqual([
    ["accept", "text/plain"],
    ["content-type", "application/json"],
  ]);
  expect(redirectedRequest(request, 307, "/b")?.headers).toEqual(request.headers);
});

test("what was asked for over https is not asked for over http", () => {
  expect(redirectedRequest(request, 302, "http://one.example.com/b")).toBeUndefined();
});

test("a POST becomes a GET, unless the answer says to keep to it", () => {
  expect(redirectedRequest(request, 302, "/b")).toMatchObject({
    method: "GET",
    url: "https://one.example.com/b",
  });
  expect(redirectedRequest(request, 302, "/b")?.body).toBeUndefined();
  expect(redirectedRequest(request, 308, "/b")).toMatchObject({ method: "POST", body: request.body });
});
