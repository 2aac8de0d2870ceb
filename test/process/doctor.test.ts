/** What a person asks an agent on its host: doctor, status, drain. */
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { Authority } from "./authority.ts";
import { ConnectProxy } from "./connectProxy.ts";
import { agentCommand, command, connectedSite, lineIn, newPlane, prepareAgent, site } from "./harness.ts";

prepareAgent();

let folder: string;
let authority: Authority;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "farhand-doctor-"));
  authority = new Authority(folder, "authority");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const diagnosisSchema = z.object({
  checks: z.array(
    z.object({ name: z.string(), result: z.string(), words: z.string(), advice: z.string().optional() }),
  ),
});

/** What doctor says, by check. */
async function examine(args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await agentCommand(["doctor", "--json", ...args], env);
  const { checks } = diagnosisSchema.parse(JSON.parse(stdout));
  return { code, stderr, found: Object.fromEntries(checks.map(({ name, ...finding }) => [name, finding])) };
}

describe("doctor", () => {
  it("finds nothing wrong with an agent that works, and says so for people too", async () => {
    const { state } = await connectedSite();
    const { code, found } = await examine(["--state", state]);
    expect(code).toBe(0);
    expect(Object.values(found).filter(({ result }) => result === "fail")).toEqual([]);
    expect(found["running agent"]).toMatchObject({
      result: "ok",
      words: expect.stringContaining("connected since"),
    });
    expect(found.clock?.result).toBe("ok");
    const told = await agentCommand(["doctor", "--state", state]);
    expect(told.stdout).toMatch(/^✓ state directory {2}/);
    expect(told.code).toBe(0);
  });

  it("looks at a running agent whose identity was damaged under it, and says once that there is no address", async () => {
    const { state } = await connectedSite();
    writeFileSync(`${state}/identity.json`, "{");
    const { found } = await examine(["--state", state]);
    expect(found["running agent"]).toMatchObject({ result: "ok" });
    const { found: unenrolled } = await examine(["--state", join(folder, "none")]);
    expect(unenrolled.connection?.words).toMatch(
      /: nobody says where the control plane is; give it with --url$/,
    );
    expect(unenrolled["running agent"]).toEqual({ result: "skip", words: "this host is not enrolled" });
  });

  it("works before enroll, over TLS and through a proxy", async () => {
    const plane = await newPlane({ tls: authority.sign("localhost"), host: "localhost" });
    const proxy = await ConnectProxy.start();
    const args = ["--state", join(folder, "none"), "--url", plane.url, "--ca", authority.file];
    const { code, found } = await examine(args, { HTTPS_PROXY: proxy.url.replace("//", "//u:hunter2@") });
    await proxy.stop();
    expect(code).toBe(0);
    expect(found.identity).toMatchObject({ result: "warn", words: "this host is not enrolled" });
    expect(found.proxy?.words).toBe(`through ${proxy.url}`);
    expect(found.certificate).toMatchObject({ result: "ok", words: expect.stringContaining("authority") });
    expect(found["control plane"]?.result).toBe("ok");
  });

  it("says what is wrong with the way there, and what to do", async () => {
    const none = join(folder, "none");
    const { found: nameless, code } = await examine(["--state", none, "--url", "https://nowhere.invalid"]);
    expect([code, nameless.name?.result, nameless["control plane"]?.result]).toEqual([1, "fail", "fail"]);
    expect(nameless.name?.advice).toContain("resolv.conf");
    const secret = await newPlane({ tls: authority.sign("localhost"), host: "localhost" });
    const { found: untrusted } = await examine(["--state", none, "--url", secret.url]);
    expect(untrusted["control plane"]?.words).toContain("--ca");
    const portal = await newPlane();
    portal.health = () => ({ status: 200, type: "text/html", body: "<html>" });
    const { found: foreign } = await examine(["--state", none, "--url", portal.url]);
    expect(foreign["control plane"]).toMatchObject({
      result: "fail",
      advice: expect.stringContaining("portal"),
    });
    const newer = await newPlane();
    const data = { status: "ok", protocol: { min: 7, max: 9 } };
    const metadata = { requestId: "req_1", timestamp: "2026-01-01T00:00:00.000Z", durationMs: 1 };
    newer.health = () => ({
      status: 200,
      type: "application/json",
      body: JSON.stringify({ data, metadata }),
    });
    const { found: old } = await examine(["--state", none, "--url", newer.url]);
    expect(old.version).toMatchObject({ result: "fail", advice: "Upgrade the agent." });
  });

  it("[G12] measures the clock by the control plane's", async () => {
    const plane = await newPlane();
    plane.now = () => Date.now() + 3_600_000;
    const { found, code } = await examine(["--state", join(folder, "none"), "--url", plane.url]);
    expect(found.clock).toMatchObject({
      result: "warn",
      words: expect.stringMatching(/^(3599|3600|3601) s behind/),
    });
    expect(code).toBe(0);
  });

  it("finds a state directory that others may read, an identity that is damaged, an agent that does not run", async () => {
    const { state } = await site();
    chmodSync(state, 0o755);
    const open = await examine(["--state", state]);
    expect(open.found["state directory"]).toMatchObject({ result: "warn", advice: `chmod 700 ${state}` });
    expect(open.found["running agent"]).toMatchObject({ result: "warn", words: "no agent runs here" });
    writeFileSync(`${state}/identity.json`, "{");
    const { found, code, stderr } = await examine(["--state", state]);
    expect(found.identity).toMatchObject({
      result: "fail",
      words: expect.stringMatching(/is damaged: enroll this host again, .*--force/),
    });
    expect(found.identity?.words).not.toContain("restore");
    expect(found.connection).toEqual({
      result: "skip",
      words:
        "no name, proxy, control plane, certificate, clock, version: the identity says where the control plane is; give it with --url",
    });
    expect(found["running agent"]).toEqual({ result: "skip", words: "no agent runs here" });
    expect(Object.keys(found)).not.toContain("certificate");
    expect([code, stderr]).toEqual([1, expect.stringContaining("something is wrong: identity")]);
  });

  it.each(["identity.json", "identity.next.json", "sealing.json"])(
    "finds a key that others may read, which the agent does not start with either: %s",
    async (name) => {
      const { state } = await site();
      writeFileSync(join(state, name), "{}", { flag: "a", mode: 0o600 });
      chmodSync(join(state, name), 0o640);
      const { found } = await examine(["--state", state]);
      expect(found.identity).toMatchObject({
        result: "fail",
        words: expect.stringContaining(`run "chmod 600 ${join(state, name)}"`),
      });
      const { code, stderr } = await agentCommand(["run", "--state", state]);
      expect([code, stderr]).toEqual([78, expect.stringContaining(`run "chmod 600 ${join(state, name)}"`)]);
    },
  );

  it("finds a policy and a file of secret providers that cannot be used", async () => {
    const { state } = await site();
    const [policy, secrets] = [join(folder, "policy.yaml"), join(folder, "secrets.yaml")];
    writeFileSync(policy, "usrs: [a]\nlimits: {slots: 0}\n", { mode: 0o600 });
    writeFileSync(secrets, "providers:\n  - type: oracle\n", { mode: 0o600 });
    const args = ["--state", state, "--policy", policy, "--own-policy", "--secrets", secrets];
    const { found, code, stderr } = await examine(args);
    expect(found.policy).toMatchObject({ result: "fail", words: expect.stringContaining('"usrs"') });
    expect(found.secrets).toMatchObject({
      result: "fail",
      words: expect.stringContaining("secrets.yaml:2:5"),
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining("something is wrong: policy, secrets")]);
    const shown = (await agentCommand(["doctor", ...args])).stdout;
    expect(shown).toContain(`\n${" ".repeat(21)}policy.yaml:1:1 a policy has no key "usrs"`);
  });

  it.each([
    [403, "agent_quarantined", "There are two of you.", /^Find the copy and stop it/],
    [403, "agent_revoked", "It was taken out.", /enroll --force/],
    [
      503,
      "unavailable",
      "The key of the store was revoked: two machines use this agent's key.",
      /checks of the connection/,
    ],
  ])("says by its code what to do about a refusal with %i %s", async (status, code, detail, advice) => {
    const made = await site();
    const problem = {
      type: "about:blank",
      title: "x",
      status,
      detail,
      code,
      requestId: "r",
    };
    const body = JSON.stringify(problem);
    made.plane.refuses = () =>
      `HTTP/1.1 ${status} No\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
    const agent = made.start();
    await agent.logged(detail);
    const { found } = await examine(["--state", made.state]);
    expect(found["running agent"]).toMatchObject({ result: "fail", advice: expect.stringMatching(advice) });
  });
});

describe("status", () => {
  it("shows what a running agent does, and no key", async () => {
    const { plane, state } = await connectedSite();
    expect(statSync(`${state}/control.sock`).mode & 0o777).toBe(0o600);
    const { coordinator } = await plane.offer({ blocks: [command("long", "echo up; sleep 300")] });
    await coordinator.printed("long", "up");
    const { stdout } = await agentCommand(["status", "--state", state]);
    expect(stdout).toMatch(/connection {4}connected since 20/);
    expect(stdout).toMatch(/busy {10}1 of 4 slots/);
    expect(stdout).toContain(`${coordinator.executionId} (active)`);
    const json = await agentCommand(["status", "--json", "--state", state]);
    expect(JSON.parse(json.stdout).running).toMatchObject({
      draining: false,
      connection: { state: "connected" },
    });
    expect(json.stdout).not.toContain("privateKey");
    coordinator.cancel("long", 500);
    await coordinator.finished("long");
  });

  it("says why an agent is not connected, and when it tries again", async () => {
    const made = await site();
    made.plane.refuses = () => "HTTP/1.1 503 Unavailable\r\nretry-after: 600\r\nconnection: close\r\n\r\n";
    const agent = made.start();
    await agent.logged("HTTP 503");
    const { stdout } = await agentCommand(["status", "--state", made.state]);
    expect(stdout).toMatch(/connection {4}down, tries again in [56]\d\d s: .*HTTP 503/);
  });
});

describe("drain", () => {
  it("takes no new work, lets what runs end, and waits for it; undrain takes work again", async () => {
    const { plane, state, path } = await connectedSite();
    const script = `echo up; until [ -e '${path("gate")}' ]; do sleep 0.02; done; echo down`;
    const { coordinator } = await plane.offer({ blocks: [command("long", script)] });
    await coordinator.printed("long", "up");
    const waits = agentCommand(["drain", "--wait", "--state", state]);
    const hello = await plane.changes.until("a hello that says so", () =>
      plane.controls
        .at(-1)
        ?.of("hello")
        .find(({ draining }) => draining),
    );
    expect(hello.leases).toHaveLength(1);
    await plane.offer({ blocks: [command("more", "true")] });
    await plane.changes.until(
      "a refusal",
      () => plane.control.of("lease.declined")[0]?.reason === "draining",
    );
    writeFileSync(path("gate"), "");
    await coordinator.finished("long");
    coordinator.release();
    expect(await waits).toMatchObject({ code: 0, stdout: expect.stringContaining("Nothing runs any more.") });
    expect((await agentCommand(["undrain", "--state", state])).code).toBe(0);
    await plane.changes.until("a hello that says so", () =>
      plane.controls
        .at(-1)
        ?.of("hello")
        .find(({ draining }) => !draining),
    );
    const { finished } = await plane.run({ blocks: [command("again", `echo ran > '${path("ran")}'`)] });
    expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
    expect(await lineIn(path("ran"))).toBe("ran");
  });

  it("outlasts restarts, and can be said while the agent does not run", async () => {
    const { plane, state, start } = await site();
    const told = await agentCommand(["drain", "--state", state]);
    expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining("does not run") });
    const { stdout } = await agentCommand(["status", "--state", state]);
    expect(stdout).toMatch(/^takes work +no, it is drained, also after a start: "undrain" ends that$/m);
    const agent = start();
    await plane.connected();
    expect(plane.control.of("hello")[0]?.draining).toBe(true);
    await agent.kill();
    const again = start();
    await plane.changes.until("a second hello", () => plane.controls[1]?.of("hello")[0]);
    expect(plane.control.of("hello")[0]?.draining).toBe(true);
    await again.terminate();
    expect((await agentCommand(["undrain", "--state", state])).stdout).toContain("takes work");
    expect((await agentCommand(["status", "--state", state])).stdout).not.toMatch(/^takes work/m);
    start();
    await plane.changes.until("a third hello", () => plane.controls[2]?.of("hello")[0]);
    expect(plane.control.of("hello")[0]?.draining).toBe(false);
  });

  it("is heard by an agent that is starting, and does not answer yet", async () => {
    const { plane, state, path, start } = await site();
    const agent = start();
    await plane.connected();
    const script = `trap "echo asked >> '${path("asked")}'" INT TERM; echo up >> '${path("up")}'
      while true; do sleep 0.05; done`;
    plane.offer({ blocks: [command("stays", script)] });
    await lineIn(path("up"));
    expect((await agentCommand(["drain", "--state", state])).code).toBe(0);
    await plane.changes.until("a second hello", () => plane.controls[1]?.of("hello")[0]);
    await agent.kill();
    start();
    // What an earlier run left has to end first: it is asked to, and has two seconds.
    await lineIn(path("asked"));
    expect((await agentCommand(["undrain", "--state", state])).code).toBe(0);
    const hello = await plane.changes.until("a third hello", () => plane.controls[2]?.of("hello")[0]);
    expect(hello.draining).toBe(false);
  });

  it.each(["status", "drain", "undrain", "rotate-key"])(
    "%s of a host that is not enrolled says so",
    async (name) => {
      const answer = await agentCommand([name, "--state", join(folder, "none")]);
      expect(answer).toMatchObject({ code: 78, stderr: expect.stringContaining("not enrolled") });
    },
  );
});

it("ends with 78 on a Node that is too old: systemd does not start it again and again", async () => {
  const preload = join(folder, "older.mjs");
  writeFileSync(
    preload,
    `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } });`,
  );
  const answer = await agentCommand(["run"], { NODE_OPTIONS: `--import ${preload}` });
  expect(answer).toMatchObject({ code: 78, stderr: expect.stringContaining("and this is 20.1.0") });
});

it.each([
  ["status"],
  ["doctor"],
  ["run"],
  ["drain"],
  ["enroll", "--url", "http://127.0.0.1:1", "--token", "t"],
  ["secrets", "list"],
  ["policy", "check"],
  ["update"],
])("%s says of a state folder that is a file, or below one, that it is none", async (...words) => {
  const file = join(folder, "a-file");
  writeFileSync(file, "");
  for (const state of [file, join(file, "below")]) {
    expect(await agentCommand([...words, "--state", state])).toEqual({
      code: 2,
      stdout: "",
      stderr: `farhand-agent: there can be no folder ${state}, because it or something on the way to it is a file: choose another with --state\n`,
    });
  }
});

it("apply-update where nothing was installed says so", async () => {
  const none = join(folder, "none");
  const { code, stderr } = await agentCommand(["apply-update", "--installation", none, "--state", none]);
  expect([code, stderr]).toEqual([
    2,
    `farhand-agent: there is no installation in ${none} to update: name the folder with --installation, or replace the container, the package or the file instead\n`,
  ]);
});
