import { expect, test } from "vitest";
import { printWrittenBlock, readWrittenBlock } from "./blockSource.ts";

const fence = (info: string, ...lines: string[]) => [`\`\`\`${info}`, ...lines, "```"].join("\n");

test("a block is read as its words, as they are written, and printed from them", () => {
  const yaml = fence("farhand", "kind: command", "timeout: 90s", "retry: 3", "script: |", "  a", "  # b");
  const read = readWrittenBlock(yaml);
  const words = { kind: "command", timeout: "90s", retry: 3, script: "a\n# b\n" };
  expect(read).toEqual({ ok: true, isYaml: true, words });
  expect(printWrittenBlock(words, true)).toBe(yaml);
  const short = fence('bash {timeout=30s title="Two words"}', "ls");
  expect(readWrittenBlock(short)).toEqual({
    ok: true,
    isYaml: false,
    words: { kind: "command", title: "Two words", timeout: "30s", interpreter: "bash", script: "ls" },
  });
  expect(
    printWrittenBlock({ kind: "command", title: "Two words", timeout: "30s", script: "ls" }, false),
  ).toBe(fence('bash {title="Two words" timeout=30s}', "ls"));
  expect(printWrittenBlock({ kind: "timer", duration: "5m" }, false)).toBe(
    fence("farhand", "kind: timer", "duration: 5m"),
  );
  expect(printWrittenBlock({ kind: "instruction", markdown: "Read this." }, false)).toBe("Read this.");
});

test.each([
  ["comments", fence("farhand", "kind: timer", "# why", "duration: 5m")],
  ["comments", fence("farhand", "kind: timer", "duration: 5m # why")],
  ["other tools", fence('bash title="a.sh"', "ls")],
  ["other tools", fence("bash {1,3-5}", "ls")],
  ['unknown field "scirpt"', fence("farhand", "kind: command", "scirpt: ls")],
  ["no kind", fence("farhand", "name: a")],
  ["no block", fence("json", "{}")],
  ["no block", "Text"],
])("a block is not read where something would be lost: %s", (problem, source) => {
  expect(readWrittenBlock(source)).toEqual({ ok: false, problem: expect.stringContaining(problem) });
});
