import { expect, test } from "vitest";
import { logLine } from "./log.ts";

test("a line is one JSON object with its fields at the top", () => {
  const line = logLine("info", "execution created", { requestId: "req_1", executionId: "exe_1" });
  expect(line).not.toContain("\n");
  expect(JSON.parse(line)).toMatchObject({
    level: "info",
    message: "execution created",
    requestId: "req_1",
    executionId: "exe_1",
  });
});

test("an error becomes message and stack, and other thrown things become text", () => {
  expect(JSON.parse(logLine("error", "failed", { error: new Error("boom") })).error).toMatchObject({
    message: "boom",
    stack: expect.stringContaining("boom"),
  });
  expect(JSON.parse(logLine("error", "failed", { error: "just text" })).error).toEqual({
    message: "just text",
  });
});

test("fields that JSON cannot hold do not break the caller", () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  expect(JSON.parse(logLine("warn", "odd", { loop }))).toMatchObject({ level: "warn", message: "odd" });
});
