/** The folder that a block names, where somebody who may write around it puts a link into its place. */
import {
  chmodSync,
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
  const rules = { ...DEFAULT_POLICY.rules, workingDirectories: [`${root}/allowed/**`] };
  const ran = join(root, "ran");
  writeFileSync(ran, "");
  chmodSync(ran, 0o666);
  const block = command("s", `id -un >> ${ran}; pwd >> ${ran}`, {
    ...{ workingDirectory: join(root, "allowed/app"), interpreter: "sh" },
    ...(user !== undefined && { user }),
  });
  const work = { block, texts: new Map<string, string>(), step: "s", folder: join(root, "exe"), around: [] };
  return { ran, prepared: () => prepareCommand(work, { ...host, policy: { ...DEFAULT_POLICY, rules } }) };
}

/** Whether this process still has a folder of the test open. */
const isOpen = () =>
  readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(join(root, "allowed"));
    } catch {
      return false;
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

  test("[S7] a link that was put there after the first look is judged for what it leads to", async () => {
    const { prepared } = await prepare(cgroups);
    swap();
    await expect(prepared()).rejects.toMatchObject({ code: "policy" });
    expect(isOpen()).toBe(false);
  });
});
