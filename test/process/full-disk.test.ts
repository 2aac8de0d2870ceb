/** An agent on a disk without a free byte: it starts, and sends what fills the disk. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { AgentProcess, agentCommand, command, connectedSite, prepareAgent, site } from "./harness.ts";

prepareAgent();

const mounts: string[] = [];
afterEach(() => {
  for (const each of mounts.splice(0)) execFileSync("umount", ["-l", each]);
});

/** @returns false where this user may not mount anything, or there is no such program. */
function mountSmallDisk(path: string): boolean {
  mkdirSync(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", path], { stdio: "ignore" });
  } catch {
    return false;
  }
  mounts.push(path);
  return true;
}

/** Takes what is left of the disk, to the last byte. */
function fill(path: string): void {
  for (let size = 1024 * 1024; size >= 1; ) {
    try {
      writeFileSync(join(path, "filler"), Buffer.alloc(size), { flag: "a" });
    } catch {
      size = Math.floor(size / 2);
    }
  }
}

it("[fault 23] starts on a full disk, sends what it holds, and knows later what it held", async ({
  skip,
}) => {
  const { plane, agent, state, path } = await connectedSite();
  if (!mountSmallDisk(path("disk"))) skip("needs the right to mount");
  plane.refuses = (upgraded) =>
    upgraded.includes("/executions/") ? "HTTP/1.1 503 Unavailable\r\nconnection: close\r\n\r\n" : undefined;
  const { coordinator } = await plane.offer({ blocks: [command("offline", "seq 1 50000; exit 4")] });
  await agent.logged("step ended");
  await agent.kill();
  // What the run that was killed listened on cannot be copied.
  rmSync(join(state, "control.sock"));
  cpSync(state, path("disk"), { recursive: true });
  fill(path("disk"));
  plane.refuses = () => undefined;

  const again = new AgentProcess(path("disk"), {});
  const finished = await coordinator.finished("offline");
  expect(finished.outcome).toEqual({ type: "exited", exitCode: 4 });
  expect(coordinator.output("offline", "stdout").toString().endsWith("50000\n")).toBe(true);
  await plane.connected();
  await expect.poll(() => readdirSync(join(path("disk"), "spool"))).toEqual([]);
  rmSync(join(path("disk"), "filler"));
  expect(await again.terminate()).toBe(0);
  new AgentProcess(path("disk"), {});
  await plane.changes.until("the next hello", () => plane.controls[2]?.of("hello")[0]);
  expect(plane.control.of("hello")[0]?.leases).toHaveLength(1);
});

it("[fault 23] says in words that the disk is full when there is not even room to begin", async ({
  skip,
}) => {
  const { plane, path } = await site();
  if (!mountSmallDisk(path("disk"))) skip("needs the right to mount");
  fill(path("disk"));
  const args = ["enroll", "--url", plane.url, "--token", "join-me", "--state", path("disk")];
  const { code, stderr } = await agentCommand(args);
  expect(code).toBe(1);
  expect(stderr).toContain(`the disk that holds ${path("disk")} is full`);
  expect(plane.agents).toHaveLength(1);
});

it("says in words that the disk is read-only, with exit code 1, and spends no token", async ({ skip }) => {
  const { plane, state, path } = await site();
  if (!mountSmallDisk(path("disk"))) skip("needs the right to mount");
  cpSync(state, path("disk"), { recursive: true });
  execFileSync("mount", ["-o", "remount,ro", path("disk")]);
  const args = ["--state", path("disk")];
  const enrolled = await agentCommand(["enroll", "--force", "--url", plane.url, "--token", "t", ...args]);
  for (const { code, stderr } of [enrolled, await agentCommand(["run", ...args])]) {
    expect(code).toBe(1);
    expect(stderr).toContain(`${path("disk")} is mounted read-only`);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  }
  expect(plane.agents).toHaveLength(1);
  const { stdout } = await agentCommand(["doctor", ...args]);
  expect(stdout).toContain("✗ state directory");
});

it("says in words what keeps each command from writing", async ({ skip }) => {
  const { state, path } = await site();
  if (!mountSmallDisk(path("disk"))) skip("needs the right to mount");
  cpSync(state, path("disk"), { recursive: true });
  const args = ["--state", path("disk")];
  expect(await agentCommand(["drain", ...args])).toMatchObject({ code: 0 });
  expect(await agentCommand(["secrets", "set", "one", ...args], {}, "hunter2-hunter2")).toMatchObject({
    code: 0,
  });
  execFileSync("mount", ["-o", "remount,ro", path("disk")]);
  for (const words of [
    ["drain"],
    ["undrain"],
    ["rotate-key"],
    ["secrets", "set", "one"],
    ["secrets", "remove", "one"],
  ]) {
    const { code, stderr } = await agentCommand([...words, ...args], {}, "hunter2-hunter2");
    expect([words, code, stderr]).toEqual([
      words,
      1,
      `farhand-agent: the disk that holds ${path("disk")} is mounted read-only: mount it for writing and try again\n`,
    ]);
  }
});

it("a running agent whose disk is full says so when it is to drain or to change its key", async ({
  skip,
}) => {
  const { plane, state, path } = await site();
  if (!mountSmallDisk(path("disk"))) skip("needs the right to mount");
  cpSync(state, path("disk"), { recursive: true });
  new AgentProcess(path("disk"), {});
  await plane.connected();
  fill(path("disk"));
  const status = await agentCommand(["status", "--state", path("disk")]);
  expect(status.stdout).toContain("takes work    no, under 64 MiB are free on the disk");
  const { code, stderr } = await agentCommand(["rotate-key", "--state", path("disk")]);
  expect([code, stderr]).toEqual([1, expect.stringContaining(`the disk that holds ${path("disk")} is full`)]);
});

it("does not come up for the first time on a full disk without saying why", async ({ skip }) => {
  const { state, path } = await site();
  if (!mountSmallDisk(path("disk"))) skip("needs the right to mount");
  cpSync(state, path("disk"), { recursive: true });
  fill(path("disk"));
  const { code, stderr } = await agentCommand(["run", "--state", path("disk")]);
  expect([code, stderr]).toEqual([1, expect.stringContaining(`the disk that holds ${path("disk")} is full`)]);
});

it("a secret for which there was no room leaves nothing behind that keeps later ones out", async ({
  skip,
}) => {
  const { state, path } = await site();
  if (!mountSmallDisk(path("disk"))) skip("needs the right to mount");
  cpSync(state, path("disk"), { recursive: true });
  fill(path("disk"));
  const set = () => agentCommand(["secrets", "set", "one", "--state", path("disk")], {}, "hunter2-hunter2");
  expect(await set()).toMatchObject({ code: 1, stderr: expect.stringContaining("is full") });
  rmSync(join(path("disk"), "filler"));
  expect(await set()).toMatchObject({ code: 0, stderr: "" });
});
