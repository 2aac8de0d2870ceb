import { describe, expect, it } from "vitest";
import { parseProse, safeUrl } from "./markdown.ts";

describe("[S11] links in prose", () => {
  it.each(["https://example.com/a?b", "http://wiki.local", "mailto:oncall@example.com"])(
    "%s opens",
    (url) => {
      expect(safeUrl(url)).toContain(url);
    },
  );

  it.each([
    "javascript:alert(1)",
    " JavaScript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "/x",
    "x",
  ])("%s stays text", (url) => {
    expect(safeUrl(url)).toBeUndefined();
  });
});

it("reads tables and task lists", () => {
  const types = parseProse("| a |\n| - |\n| b |\n\n- [x] done").children.map((node) => node.type);
  expect(types).toEqual(["table", "list"]);
});
