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
import { planOf } from "./fake-control-plane.ts";
import { agentCommand, command, prepareAgent, site } from "./harness.ts";

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

  it("checks a policy as the agent's user, whom steps run as that name none", async () => {
    const { state, path } = await foreignSite();
    const blocks = [command("own", "true"), command("root", "true", { user: "root" })];
    writeFileSync(path("plan.json"), JSON.stringify(planOf({ blocks })), { mode: 0o600 });
    const check = () =>
      agentCommand(["policy", "check", path("plan.json"), "--state", state, "--policy", policy]);
    const policy = path("policy.yaml");
    writeFileSync(policy, "users: [nobody]\n", { mode: 0o644 });
    expect((await check()).stdout.split("\n")).toEqual([
      "allowed  own (command)",
      "refused  root (command)",
      '         policy.yaml:1 users: "root" is not allowed',
      '         cannot_switch_user: the agent runs as "nobody" and only root may run a step as another user: run the agent as root, or as "root", or leave the user out',
      "1 of 2 may not run here, by an agent that runs as nobody.",
      "",
    ]);
    chmodSync(policy, 0o600);
    expect(await check()).toMatchObject({ code: 2, stderr: expect.stringContaining("chmod a+r") });
  });

  it("says how to give the agent a key that is root's, to root and to the agent", async () => {
    const { state } = await foreignSite();
    const key = join(state, "identity.json");
    execFileSync("chown", ["root:", key]);
    const uid = lstatSync(state).uid;
    const words = `${key} holds a private key and belongs to root, and the agent, which runs as user ${uid}, may not read it: run "chown ${uid} ${key}"`;
    // As root, and as the user that root goes on as.
    for (const name of ["status", "drain"]) {
      const answer = await agentCommand([name, "--state", state]);
      expect([name, answer]).toMatchObject([name, { code: 78, stderr: expect.stringContaining(words) }]);
    }
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
