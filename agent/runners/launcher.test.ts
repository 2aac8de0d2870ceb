import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { scriptOf } from "./launcher.ts";

it("[S13] neither the name nor the value of a variable becomes part of what the waiting shell carries out", () => {
  const environment = {
    PATH: process.env.PATH ?? "",
    FIRST: "echo taken over",
    "X;$FIRST;Y": "1",
    "Z$(echo taken over >&2)": "2",
    QUOTED: "'; $FIRST '",
  };
  const script = scriptOf({
    ...{ program: "/bin/echo", arguments: ["ran"], folder: "/", stdin: undefined, environment },
  });
  expect(execFileSync("/bin/sh", ["-c", script], { encoding: "utf8" })).toBe("ran\n");
});
