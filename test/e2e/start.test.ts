import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../scripts/lib/paths.ts";
import { childrenOf, isAlive, untilGone } from "../harness/processes.ts";
import { Watch } from "../harness/watch.ts";

const START = join(ROOT, "scripts/start.ts");
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farhand-start-"));
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

function start(...args: string[]) {
  return execa(process.execPath, [START, ...args], { cwd: ROOT, reject: false, all: true });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

/** Everything below a process, deepest last. */
function descendants(pid: number): number[] {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap(descendants)];
}

/** Starts it, and resolves once it says these words. */
async function startUntil(
  words: string,
  ...args: string[]
): Promise<{ child: ChildProcess; said: () => string }> {
  const child = spawn(process.execPath, [START, ...args], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const watch = new Watch();
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      watch.changed();
    });
  }
  child.on("exit", () => watch.changed());
  const settled = () => output.includes(words) || child.exitCode !== null;
  await watch.until(`"${words}"`, settled, () => output);
  expect(output).toContain(words);
  return { child, said: () => output };
}

test("npm run build says that there was nothing to do, and where things are", async () => {
  const build = () => execa(process.execPath, [join(ROOT, "scripts/build.ts")], { cwd: ROOT });
  await build();
  const { stdout } = await build();
  expect(stdout).toContain("Nothing has changed since the last build.");
  expect(stdout).toContain("dist/agent/farhand-agent.mjs");
});

describe("npm start", () => {
  test("--once runs the sample, shows its output, and answers 0; a second time on the same data", async () => {
    const data = join(folder, "once");
    const args = ["--once", "--data", data, "--port", String(await freePort())];
    for (const round of ["first", "second"]) {
      const { exitCode, all } = await start(...args);
      expect(exitCode, `${round}: ${all}`).toBe(0);
      expect(all).toContain("beat 5 of 5");
      expect(all).toContain("The execution succeeded.");
      expect(all.includes("database made")).toBe(round === "first");
    }
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s stops everything it started and leaves the data usable",
    async (signal) => {
      const data = join(folder, signal);
      const port = await freePort();
      const { child, said } = await startUntil("Ctrl-C stops", "--data", data, "--port", String(port));
      expect(said()).toMatch(
        /Web app {3}(http:\/\/localhost:\d+)\n {2}This run {2}\1\/executions\/exe_\w+\n {2}Email {5}\S+@\S+\n {2}Password {2}\S+/,
      );
      const page = await fetch(`http://localhost:${port}/`);
      expect([page.status, page.headers.get("content-type")]).toEqual([
        200,
        expect.stringContaining("text/html"),
      ]);
      const agentFile = await fetch(`http://localhost:${port}/agent/v1/farhand-agent.mjs`);
      expect((await agentFile.text()).startsWith("#!/usr/bin/env node")).toBe(true);
      const started = descendants(child.pid ?? 0);
      expect(started.length).toBeGreaterThanOrEqual(3);
      child.kill(signal);
      const [code] = await once(child, "exit");
      expect(code).toBe(0);
      expect(started.filter(isAlive)).toEqual([]);
      const again = await start("--once", "--data", data, "--port", String(port));
      expect(again.exitCode, again.all).toBe(0);
    },
  );

  test("killed without a word, it leaves no process behind either", async () => {
    const args = ["--data", join(folder, "killed"), "--port", String(await freePort())];
    const { child } = await startUntil("Ctrl-C stops", ...args);
    const started = descendants(child.pid ?? 0);
    expect(started.length).toBeGreaterThanOrEqual(3);
    child.kill("SIGKILL");
    await untilGone(started);
  });

  test("a port in use, another's data folder and wrong usage get words and a code of their own", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = String(typeof address === "object" && address ? address.port : 0);
    const taken = await start("--port", port, "--data", join(folder, "port"));
    server.close();
    expect(taken.exitCode).toBe(3);
    expect(taken.all).toContain(`Port ${port} is in use. Stop what uses it, or choose another with --port.`);

    for (const [format, words] of [
      [99, "was written by a newer version of Farhand"],
      [1, "was written by an older version of Farhand"],
    ]) {
      const other = join(folder, `format-${format}`);
      await mkdir(other);
      await writeFile(join(other, "farhand.json"), `{"farhand":"data folder","format":${format}}`);
      const refused = await start("--data", other);
      expect(refused.exitCode).toBe(4);
      expect(refused.all).toContain(words);
    }

    const used = join(folder, "used");
    await mkdir(used);
    await writeFile(join(used, "in-use"), String(process.pid));
    const busy = await start("--data", used);
    expect(busy.exitCode).toBe(4);
    expect(busy.all).toContain(`is in use by process ${process.pid}`);

    const nowhere = await start("--data", "/proc/farhand/data");
    expect(nowhere.exitCode).toBe(4);
    expect(nowhere.all).toContain("The data folder /proc/farhand/data cannot be made: ENOENT");

    for (const args of [["--port", "x"], ["--port", "70000"], ["--data="], ["--frob"], ["extra"]]) {
      const wrong = await start(...args);
      expect(wrong.exitCode).toBe(2);
      expect(wrong.all).not.toMatch(/^\s+at /m);
    }
    for (const command of ["build", "check", "test"]) {
      const wrong = await execa(process.execPath, [join(ROOT, `scripts/${command}.ts`), "--frob"], {
        reject: false,
        all: true,
      });
      expect([command, wrong.exitCode, wrong.all.includes("--frob")]).toEqual([command, 2, true]);
    }
    const help = await start("--help");
    expect([help.exitCode, help.all.startsWith("npm start -- [--port N]")]).toEqual([0, true]);
  });
});
