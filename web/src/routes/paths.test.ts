import { describe, expect, it } from "vitest";
import { logInPath, returnPath } from "./paths.ts";

describe("coming back after logging in", () => {
  it("keeps the whole address", () => {
    const there = logInPath({ pathname: "/executions/exe_1", search: "?a=b", hash: "#step:L3" });
    expect(returnPath(there.slice(there.indexOf("?")))).toBe("/executions/exe_1?a=b#step:L3");
  });

  it.each([
    "",
    "?next=",
    "?next=https://evil.example",
    "?next=//evil.example",
    "?next=/\\evil.example",
    "?next=x",
  ])("[S11] never leads elsewhere: %s", (search) => {
    expect(returnPath(search)).toBe("/runbooks");
  });
});
