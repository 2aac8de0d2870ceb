/** The folder that a block names, where somebody who may write around it puts a link into its place. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { errorCode } from "../../agent/files.ts";
import type { Host } from "../../agent/job/host.ts";
import { DEFAULT_POLICY } from "../../agent/policy/policy.ts";
import { prepareCommand, startCommand } from "../../agent/runners/command.ts";
import { hasCgroups } from "../harness/cgroups.ts";
import { closeHost, openHost } from "./attempt.ts";
import { command } from "./harness.ts";

let root: string;
let host: Host;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "farhand-directory-")));
  for (const folder of ["allowed", "allowed/app", "outside"]) mkdirSync(join(root, folder));
  chmodSync(root, 0o711);
});
afterEach(async () => {
  await closeHost(host);
  rmSync(root, { recursive: true, force: true });
});

/** What somebody else does at the worst moment. */
function swap(): void {
  renameSync(join(root, "allowed/app"), join(root, "allowed/was"));
  symlinkSync(join(root, "outside"), join(root, "allowed/app"));
}

async function prepare(cgroups: boolean, user?: string) {
  host = await openHost(root, { cgroups });
  const judged = { ...DEFAULT_POLICY.rules, workingDirectories: [`${root}/allowed/**`] };
  const ran = join(root, "ran");
  writeFileSync(ran, "");
  chmodSync(ran, 0o666);
  const block = command("s", `id -un >> ${ran}; pwd >> ${ran}`, {
    ...{ workingDirectory: join(root, "allowed/app"), interpreter: "sh" },
    ...(user !== undefined && { user }),
  });
  const work = { texts: new Map<string, string>(), step: "s", folder: join(root, "exe"), around: [] };
  /** @param other than the folder that the policy allows, under a policy that allows any */
  const prepared = (other?: { workingDirectory: string }) => {
    const rules = other ? DEFAULT_POLICY.rules : judged;
    const policy = { ...DEFAULT_POLICY, rules };
    return prepareCommand({ ...work, block: { ...block, ...other } }, { ...host, policy });
  };
  return { ran, prepared };
}

/** Whether this process still has a folder of the test open. */
const isOpen = () =>
  readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(join(root, "allowed"));
    } catch (error) {
      return errorCode(error) === "ENAMETOOLONG";
    }
  });

describe.each([
  ["with a cgroup", true],
  ["without one", false],
])("%s", (_, cgroups) => {
  const test = cgroups && !hasCgroups ? it.skip : it;

  const users = [userInfo().username, ...(userInfo().uid === 0 ? ["nobody"] : [])];

  test.each(users)(
    "[S7] a step of %s runs in the folder that was judged, whatever has its name by then",
    async (user) => {
      const { ran, prepared } = await prepare(cgroups, user);
      const ready = await prepared();
      swap();
      const { exited } = await startCommand(ready, { PATH: "/usr/bin:/bin" }, host.table);
      expect(await exited).toEqual({ exitCode: 0 });
      expect(readFileSync(ran, "utf8")).toBe(`${user}\n${join(root, "allowed/was")}\n`);
      expect(isOpen()).toBe(false);
    },
  );

  test("[S7] a folder that cannot be judged is refused in words, and not kept open", async () => {
    const { prepared } = await prepare(cgroups);
    // Too deep for the kernel to say where it is.
    let folder = join(root, "allowed/app");
    for (let link = 0; link < 3; link++) {
      const down = Array.from({ length: 15 }, () => "d".repeat(200)).join("/");
      mkdirSync(join(folder, down), { recursive: true });
      symlinkSync(down, join(folder, "down"));
      folder = join(folder, "down");
    }
    await expect(prepared({ workingDirectory: folder })).rejects.toMatchObject({
      ...{ code: "prepare_failed", message: expect.stringContaining("cannot prepare") },
    });
    expect(isOpen()).toBe(false);
  });

  (userInfo().uid === 0 ? test : it.skip)(
    "an account gets no further than it could go by itself: into no open folder in a closed one",
    async () => {
      const { ran, prepared } = await prepare(cgroups, "nobody");
      mkdirSync(join(root, "outside/open"));
      chmodSync(join(root, "outside"), 0o700);
      symlinkSync(join(root, "outside/open"), join(root, "link"));
      for (const name of ["outside/open", "link"]) {
        await expect(prepared({ workingDirectory: join(root, name) })).rejects.toMatchObject({
          ...{ code: "no_working_directory", message: expect.stringContaining('"nobody" may not enter') },
        });
      }
      expect(readFileSync(ran, "utf8")).toBe("");
      // What lets its group in lets it in.
      chmodSync(join(root, "outside"), 0o750);
      chownSync(join(root, "outside"), 0, Number(execFileSync("id", ["-g", "nobody"])));
      const ready = await prepared({ workingDirectory: join(root, "outside/open") });
      const { exited } = await startCommand(ready, { PATH: "/usr/bin:/bin" }, host.table);
      expect(await exited).toEqual({ exitCode: 0 });
    },
  );

  test("[S7] a link that was put there after the first look is judged for what it leads to", async () => {
    const { prepared } = await prepare(cgroups);
    swap();
    await expect(prepared()).rejects.toMatchObject({ code: "policy" });
    expect(isOpen()).toBe(false);
  });
});
