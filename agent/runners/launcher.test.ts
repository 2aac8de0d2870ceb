import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { scriptOf } from "./launcher.ts";

/** What `/bin/sh` is on one host or another. */
const SHELLS = [
  ["/bin/sh"],
  ["/bin/dash"],
  ["/bin/bash", "--posix"],
  ["/bin/busybox", "sh"],
  ["/bin/mksh"],
].filter(([program = ""]) => existsSync(program));

const PLAIN = { program: "/bin/echo", arguments: ["ran"], folder: "/", environment: {}, stdin: undefined };

describe.each(SHELLS)("a waiting %s %s", (shell, ...options) => {
  /** As the shell gets it: from the pipe that it reads its commands from. */
  const carriedOut = (script: string) =>
    execFileSync(shell, options.filter(Boolean), { encoding: "utf8", input: script });

  it("[S13] carries out neither the name nor the value of a variable", () => {
    const environment = {
      PATH: process.env.PATH ?? "",
      FIRST: "echo taken over",
      "X;$FIRST;Y": "1",
      "Z$(echo taken over >&2)": "2",
      QUOTED: "'; $FIRST '",
    };
    expect(carriedOut(scriptOf({ ...PLAIN, environment }))).toBe("ran\n");
  });

  it("leaves the step nothing of what it was told, and nothing to read", () => {
    const script = scriptOf({ ...PLAIN, program: "/bin/cat", arguments: ["-"] });
    expect(carriedOut(`${script}echo what comes later\n`)).toBe("");
  });

  it("takes more than fits into one read", () => {
    const environment = { PATH: process.env.PATH ?? "", LONG: "x".repeat(100_000) };
    const script = scriptOf({
      ...{ ...PLAIN, environment },
      ...{ program: "/bin/sh", arguments: ["-c", 'echo "$LONG"'] },
    });
    expect(carriedOut(script)).toBe(`${environment.LONG}\n`);
  });
});
