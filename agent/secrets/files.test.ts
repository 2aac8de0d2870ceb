import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { expect, it } from "vitest";
import { SecretFiles } from "./files.ts";

it.runIf(process.getuid?.() === 0)(
  "[S8] the user of a step reads its secret, and puts nothing into the folder that the agent will remove",
  () => {
    const runtime = mkdtempSync("/dev/shm/farhand-test-");
    try {
      execFileSync("chmod", ["711", runtime]);
      const account = { name: "nobody", uid: 65_534, gid: 65_534, home: "/", shell: "/bin/sh", setpriv: "" };
      const files = SecretFiles.open("/somewhere", { RUNTIME_DIRECTORY: runtime });
      const placed = files.put(new Map([["KEY", Buffer.from("hunter2")]]), account);
      const as = (script: string) =>
        execFileSync("/bin/sh", ["-c", script, placed.paths.KEY ?? ""], {
          ...{
            uid: account.uid,
            gid: account.gid,
            cwd: "/",
            encoding: "utf8",
            stdio: ["ignore", "pipe", "ignore"],
          },
        });
      expect(as('cat "$0"')).toBe("hunter2");
      expect(() => as('mkdir "$(dirname "$0")/mine"')).toThrow();
      expect(() => as('ls "$(dirname "$0")/.."')).toThrow();
      placed.remove();
      expect(() => as('cat "$0"')).toThrow();
    } finally {
      rmSync(runtime, { recursive: true });
    }
  },
);
