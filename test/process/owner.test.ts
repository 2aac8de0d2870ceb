/** What root does to the agent of another user: as that user, so that the agent can read it and nothing leads root elsewhere. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { agentCommand, prepareAgent, site } from "./harness.ts";

prepareAgent();

const isRoot = process.getuid?.() === 0;

/** An enrolled agent whose state folder belongs to another user, with a file beside it that is root's. */
async function foreignSite() {
  const made = await site();
  const precious = made.path("precious");
  writeFileSync(precious, "precious\n", { mode: 0o600 });
  for (const folder of [dirname(made.state), dirname(dirname(made.state))]) chmodSync(folder, 0o711);
  const give = () => execFileSync("chown", ["-hR", "nobody:", made.state]);
  give();
  return { ...made, precious, give };
}

/** Everything in a folder that is root's. */
function ofRoot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (name) => lstatSync(join(folder, name)).uid === 0,
  );
}

describe.runIf(isRoot)("what root does to the agent of another user", () => {
  it("runs nothing on it: what it wrote there the agent could not replace", async () => {
    const { state, plane, start } = await foreignSite();
    const agent = start();
    const end = await Promise.race([agent.exited, plane.connected().then(() => "connected")]);
    expect(end).toBe(78);
    expect(agent.raw).toEqual([
      expect.stringMatching(
        /^farhand-agent: .* belongs to the user nobody \(\d+\), .*: run "sudo -u nobody .* run --state /,
      ),
    ]);
    expect(ofRoot(state)).toEqual([]);
  });

  it("leaves nothing that the agent cannot read", async () => {
    const { state, plane } = await foreignSite();
    const run = (...words: string[]) => agentCommand([...words, "--state", state], {}, "hunter2-hunter2");
    expect(await run("secrets", "set", "one")).toMatchObject({ code: 0 });
    expect(await run("rotate-key")).toMatchObject({ code: 0 });
    expect(await run("drain")).toMatchObject({ code: 0 });
    expect(await run("enroll", "--force", "--url", plane.url, "--token", "t")).toMatchObject({ code: 0 });
    expect(ofRoot(state)).toEqual([]);
  });

  it("follows no link that a step has put there", async () => {
    const { state, precious, give, path } = await foreignSite();
    mkdirSync(join(state, "secrets"));
    for (const name of ["secrets/.one.new", "identity.next.json.new", "draining"]) {
      symlinkSync(name === "draining" ? path("made") : precious, join(state, name));
    }
    give();
    const run = (...words: string[]) => agentCommand([...words, "--state", state], {}, "hunter2-hunter2");
    for (const words of [["secrets", "set", "one"], ["rotate-key"], ["drain"]]) {
      const { code, stderr } = await run(...words);
      expect([words, code, stderr]).toEqual([words, 1, expect.stringMatching(/^farhand-agent: [^\n]+\n$/)]);
    }
    expect(readFileSync(precious, "utf8")).toBe("precious\n");
    expect(lstatSync(path("made"), { throwIfNoEntry: false })).toBeUndefined();
  });
});
