/** Ways to the control plane: through proxies, and to certificates of private authorities. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Authority } from "./authority.ts";
import { ConnectProxy } from "./connectProxy.ts";
import { AgentProcess, agentCommand, command, newPlane, prepareAgent } from "./harness.ts";

prepareAgent();

let folder: string;
let authority: Authority;
let other: Authority;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "farhand-tls-"));
  authority = new Authority(folder, "authority");
  other = new Authority(folder, "other");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let proxy: ConnectProxy;
beforeEach(async () => {
  proxy = await ConnectProxy.start();
});
afterEach(() => proxy.stop());

let states = 0;
const newState = () => join(folder, `state-${states++}`);
const enroll = (url: string, state: string, env: Record<string, string> = {}, ...more: string[]) =>
  agentCommand(["enroll", "--url", url, "--token", "t", "--state", state, ...more], env);

describe("a proxy", () => {
  it("is gone through for everything, by an agent that enrolled through it, and its password is never told", async () => {
    const plane = await newPlane({ tls: authority.sign("localhost"), host: "localhost" });
    proxy.credentials = "me:s@cret hunter2";
    const HTTPS_PROXY = proxy.url.replace("//", "//me:s%40cret%20hunter2@");
    const state = newState();
    const enrolled = await enroll(plane.url, state, { HTTPS_PROXY }, "--ca", authority.file);
    expect(enrolled).toMatchObject({ code: 0, stderr: "" });
    // As a service manager starts it: with nothing of that in the environment.
    const agent = new AgentProcess(state, {});
    await plane.connected();
    const { finished, coordinator } = await plane.run({ blocks: [command("a", "env; echo done")] });
    expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
    expect(proxy.targets).toEqual(Array(3).fill(new URL(plane.url).host));
    const status = await agentCommand(["status", "--json", "--state", state]);
    const seen = [enrolled.stdout, status.stdout, coordinator.output("a", "stdout"), ...agent.raw].join("\n");
    expect(seen).not.toContain("hunter2");
    expect(seen).toContain(proxy.url);
  });

  it("[fault 21] that ends idle tunnels is dialed through again, and the step goes on", async () => {
    const plane = await newPlane();
    const HTTP_PROXY = proxy.url;
    const state = newState();
    expect((await enroll(plane.url, state, { HTTP_PROXY })).code).toBe(0);
    new AgentProcess(state, {});
    await plane.connected();
    const script = "for i in $(seq 100); do echo $i; sleep 0.01; done";
    const { coordinator } = await plane.offer({ blocks: [command("long", script)] });
    await coordinator.printed("long", "3\n");
    proxy.endTunnels();
    expect((await coordinator.finished("long")).outcome).toEqual({ type: "exited", exitCode: 0 });
    expect(coordinator.output("long", "stdout").toString().split("\n")).toHaveLength(101);
    await plane.changes.until("a second hello", () => plane.controls[1]?.of("hello")[0]);
  });

  it.each<[string, (proxy: ConnectProxy) => void, string[]]>([
    [
      "asks for a password",
      (proxy) => {
        proxy.credentials = "a:b";
      },
      ["407", "USER:PASSWORD"],
    ],
    [
      "refuses",
      (proxy) => {
        proxy.refusal = "403 Forbidden";
      },
      ["refused to connect to", "(403)", "NO_PROXY"],
    ],
    [
      "cannot reach the control plane",
      (proxy) => {
        proxy.refusal = "502 Bad Gateway";
      },
      ["(502)"],
    ],
  ])("that %s is told from the control plane, by enroll and by run", async (_, prepare, words) => {
    const plane = await newPlane();
    const state = newState();
    expect((await enroll(plane.url, state)).code).toBe(0);
    prepare(proxy);
    const refused = await enroll(plane.url, newState(), { http_proxy: proxy.url });
    expect(refused.code).toBe(1);
    for (const word of words) expect(refused.stderr).toContain(word);
    expect(refused.stderr.trim().split("\n")).toHaveLength(1);
    const agent = new AgentProcess(state, { http_proxy: proxy.url });
    const line = await agent.logged("the proxy");
    for (const word of words) expect(line.msg).toContain(word);
    expect(agent.alive).toBe(true);
    expect(plane.upgrades).toEqual([]);
  });

  it("that is not there, or is none, is told", async () => {
    const plane = await newPlane();
    await proxy.stop();
    const gone = await enroll(plane.url, newState(), { HTTP_PROXY: proxy.url });
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining("the proxy http://127.0.0.1") });
    proxy = await ConnectProxy.start();
    const none = await enroll(plane.url, newState(), { HTTP_PROXY: "socks5://x:1" });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("HTTPS_PROXY") });
  });

  it("is left aside for hosts of NO_PROXY, and where the environment says so at last", async () => {
    const plane = await newPlane();
    proxy.refusal = "403 Forbidden";
    const state = newState();
    const env = { HTTP_PROXY: proxy.url, NO_PROXY: "127.0.0.0/8" };
    expect((await enroll(plane.url, state, env)).code).toBe(0);
    proxy.refusal = undefined;
    expect((await enroll(plane.url, state, { HTTP_PROXY: proxy.url }, "--force")).code).toBe(0);
    proxy.refusal = "403 Forbidden";
    new AgentProcess(state, { NO_PROXY: "127.0.0.1" });
    await plane.connected();
    expect(proxy.targets).toHaveLength(1);
  });
});

describe("the certificate of a control plane", () => {
  it("of a private authority is trusted with --ca, FARHAND_CA or NODE_EXTRA_CA_CERTS, and by run ever after", async () => {
    const plane = await newPlane({ tls: authority.sign("localhost"), host: "localhost" });
    const state = newState();
    expect((await enroll(plane.url, newState(), { NODE_EXTRA_CA_CERTS: authority.file })).code).toBe(0);
    expect((await enroll(plane.url, newState(), { FARHAND_CA: authority.file })).code).toBe(0);
    expect((await enroll(plane.url, state, {}, "--ca", authority.file)).code).toBe(0);
    new AgentProcess(state, {});
    await plane.connected();
  });

  it.each<[string, () => Parameters<typeof newPlane>[0], () => string | undefined, string[]]>([
    [
      "is of an unknown authority",
      () => ({ tls: authority.sign("localhost"), host: "localhost" }),
      () => undefined,
      ["authority that this host does not know", "--ca"],
    ],
    [
      "is of another authority than the one given",
      () => ({ tls: authority.sign("localhost"), host: "localhost" }),
      () => other.file,
      ["authority that this host does not know", "--ca"],
    ],
    [
      "has expired",
      () => ({ tls: authority.sign("localhost", "20210101000000Z"), host: "localhost" }),
      () => authority.file,
      ["has expired", "clock"],
    ],
    [
      "is for another host",
      () => ({ tls: authority.sign("elsewhere.example"), host: "localhost" }),
      () => authority.file,
      ["not one for https://localhost", "check the address"],
    ],
    ["is missing: it speaks no TLS", () => ({ url: "https" }), () => undefined, ["does not speak TLS"]],
  ])("that %s stops enroll and run, in words", async (_, options, ca, words) => {
    const plane = await newPlane(options());
    const file = ca();
    const more = file ? ["--ca", file] : [];
    const refused = await enroll(plane.url, newState(), {}, ...more);
    expect(refused.code).toBe(1);
    for (const word of words) expect(refused.stderr).toContain(word);
    expect(refused.stderr.trim().split("\n")).toHaveLength(1);
    const state = newState();
    const elsewhere = await newPlane();
    expect((await enroll(elsewhere.url, state)).code).toBe(0);
    const identity = `${state}/identity.json`;
    writeFileSync(identity, readFileSync(identity, "utf8").replace(elsewhere.url, plane.url));
    const agent = new AgentProcess(state, file ? { FARHAND_CA: file } : {});
    const line = await agent.logged("cannot reach the control plane");
    for (const word of words) expect(line.msg).toContain(word);
    expect(agent.alive).toBe(true);
  });

  it("asks for a file that holds certificates", async () => {
    const empty = join(folder, "empty.pem");
    writeFileSync(empty, "nothing");
    const broken = join(folder, "broken.pem");
    writeFileSync(broken, readFileSync(authority.file, "utf8").replace(/[A-Z]{5}/, "?????"));
    for (const [file, words] of [
      ["/nowhere.pem", "ENOENT"],
      [empty, "holds no certificate"],
      [broken, "PEM"],
    ] as const) {
      const answer = await enroll("https://localhost:1", newState(), {}, "--ca", file);
      expect(answer).toMatchObject({ code: 2, stderr: expect.stringContaining(words) });
    }
  });
});
