/** The agent's key: going over to another, whatever is cut short, and what becomes of copies of it. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { AGENT_PATHS } from "#protocol/assertion.ts";
import {
  AgentProcess,
  agentCommand,
  command,
  connectedSite,
  prepareAgent,
  type Site,
  site,
} from "./harness.ts";

prepareAgent();

const publicKeyIn = (state: string): string =>
  JSON.parse(readFileSync(`${state}/identity.json`, "utf8")).publicKey;
const isSettled = (state: string) => !existsSync(`${state}/identity.next.json`);

/** Waits until the agent has one key again, another than before, and works with it. */
async function goesOver({ plane, state }: Site, before: string): Promise<void> {
  await expect.poll(() => isSettled(state) && publicKeyIn(state) !== before, { timeout: 15_000 }).toBe(true);
  await plane.connected();
  const { finished } = await plane.run({ blocks: [command("works", "true")] });
  expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
  const key = plane.agents[0]?.key.export({ format: "jwk" }).x;
  expect(key).toBe(publicKeyIn(state));
}

it("[HS6] a running agent goes over to a new key when told to, and the step it runs goes on", async () => {
  const made = await connectedSite();
  const { plane, state } = made;
  const before = publicKeyIn(state);
  const { coordinator } = await plane.offer({ blocks: [command("long", "echo up; sleep 1; echo down")] });
  await coordinator.printed("long", "up");
  const told = await agentCommand(["rotate-key", "--state", state]);
  expect(told).toMatchObject({ code: 0, stdout: expect.stringMatching(/Fingerprint: [0-9a-f]{64}\n/) });
  await goesOver(made, before);
  expect((await coordinator.finished("long")).outcome).toEqual({ type: "exited", exitCode: 0 });
  const status = await agentCommand(["status", "--state", state]);
  expect(status.stdout).toContain(/Fingerprint: (\S+)/.exec(told.stdout)?.[1]);
});

it("[HS6] one that does not run goes over as soon as it starts", async () => {
  const made = await site();
  const before = publicKeyIn(made.state);
  expect((await agentCommand(["rotate-key", "--state", made.state])).stdout).toContain("when it starts");
  expect(publicKeyIn(made.state)).toBe(before);
  made.start();
  await goesOver(made, before);
});

it("[HS6] one whose key is too old goes over by itself", async () => {
  const made = await site();
  const before = publicKeyIn(made.state);
  const identity = `${made.state}/identity.json`;
  const text = readFileSync(identity, "utf8").replace(/"enrolledAt": "\d{4}/, '"enrolledAt": "2020');
  writeFileSync(identity, text);
  made.start({ FARHAND_ROTATE_KEY_DAYS: "0" });
  await made.plane.connected();
  expect(isSettled(made.state)).toBe(true);
  const again = await site();
  writeFileSync(`${again.state}/identity.json`, text.replaceAll(made.plane.url, again.plane.url));
  again.plane.agents.splice(0, 1, ...made.plane.agents);
  again.start();
  await goesOver(again, before);
});

it.each<[string, "lose it" | "lose the answer"]>([
  ["before the control plane hears of it", "lose it"],
  ["after the control plane has noted it", "lose the answer"],
])("[HS6] killed %s, it gets in again and goes over", async (_, outcome) => {
  const made = await connectedSite();
  const { plane, state, agent } = made;
  const before = publicKeyIn(state);
  plane.rotates = () => {
    agent.child.kill("SIGKILL");
    return outcome;
  };
  expect((await agentCommand(["rotate-key", "--state", state])).code).toBe(1);
  await agent.exited;
  expect([isSettled(state), publicKeyIn(state)]).toEqual([false, before]);
  plane.rotates = () => "answer";
  made.start();
  await goesOver(made, before);
});

it("[HS6] killed as the new key is used for the first time, it gets in again with it", async () => {
  const made = await connectedSite();
  const { plane, state, agent } = made;
  const before = publicKeyIn(state);
  const old = plane.agents[0]?.key;
  plane.refuses = () => {
    // The upgrade is noted as done with the new key, and the agent never hears that it was.
    const [first] = plane.agents;
    if (!first?.nextKey) return undefined;
    first.key = first.nextKey;
    delete first.nextKey;
    agent.child.kill("SIGKILL");
    return "";
  };
  await agentCommand(["rotate-key", "--state", state]);
  await agent.exited;
  expect(plane.agents[0]?.key.equals(old ?? plane.agents[0].key)).toBe(false);
  expect([isSettled(state), publicKeyIn(state)]).toEqual([false, before]);
  plane.refuses = () => undefined;
  made.start();
  await goesOver(made, before);
});

it("[HS6] a control plane that refuses the new key leaves it the old one", async () => {
  const { plane, state, agent } = await connectedSite();
  const before = publicKeyIn(state);
  const identity = readFileSync(`${state}/identity.json`, "utf8");
  plane.rotates = () => "lose it";
  const told = await agentCommand(["rotate-key", "--state", state]);
  expect(told.code).toBe(1);
  expect(told.stderr.trim().split("\n")).toHaveLength(1);
  expect(publicKeyIn(state)).toBe(before);
  expect(readFileSync(`${state}/identity.json`, "utf8")).toBe(identity);
  plane.control.socket.terminate();
  await plane.changes.until("a second hello", () => plane.controls[1]?.of("hello")[0]);
  expect(agent.alive).toBe(true);
});

it("[HS5] counts its tries to connect, over restarts and crashes, those that never arrived too", async () => {
  const { plane, agent, start } = await connectedSite();
  plane.control.socket.terminate();
  await plane.changes.until("a second hello", () => plane.controls[1]?.of("hello")[0]);
  await agent.kill();
  start();
  await plane.changes.until("a third hello", () => plane.controls[2]?.of("hello")[0]);
  // The fake has seen each number grow.
  expect(plane.problems).toEqual([]);
});

it("[HS5] says what happened when it is taken for a copy, and slows down", async () => {
  const { plane, agent } = await connectedSite();
  plane.refuses = (path) =>
    path === AGENT_PATHS.control ? "HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n" : undefined;
  plane.control.socket.close(4423, "two machines use this agent's key");
  const line = await agent.logged("two machines use this agent's key");
  expect(line.retryInMs).toBeGreaterThanOrEqual(30_000);
  expect(agent.alive).toBe(true);
});

it("[HS5] refuses to start on a counter that is damaged", async () => {
  const { state, agent } = await connectedSite();
  await agent.terminate();
  const copy = `${state}-copy`;
  rmSync(join(state, "control.sock"), { force: true });
  cpSync(state, copy, { recursive: true });
  writeFileSync(`${copy}/connects`, "12");
  const failed = await agentCommand(["run", "--state", copy]);
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("connects is damaged") });
  expect(new AgentProcess(state, {}).alive).toBe(true);
});
