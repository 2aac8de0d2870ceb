/** Who an agent is, with the real control plane and real machines: clones, new keys, revocation in the middle of a step. */
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { type Agent, agentSchema } from "#protocol/api/pools.ts";
import { AGENT_FILE } from "../../scripts/lib/paths.ts";
import { untilGone } from "../harness/processes.ts";
import { runbookOf, type Tenant } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

/** From the request to revoke to the end of what ran, ms. */
const REVOKED_WITHIN_MS = 5_000;

const answerSchema = z.object({ id: z.string() });

async function onlyAgent(tenant: Tenant): Promise<Agent> {
  const [agent] = await tenant.api.call(z.array(agentSchema), "GET", "/agents");
  if (!agent) throw new Error("there is no agent");
  return agent;
}

it.each(["the clone", "the original"])(
  "[fault 22] [HS5] a machine that was cloned and its clone are both stopped when %s connects first",
  async (first) => {
    const tenant = await world().signUp();
    const original = await world().startAgent(tenant);
    await original.kill();
    rmSync(join(original.stateDir, "control.sock"), { force: true });
    const folder = world().newFolder("clone");
    cpSync(original.stateDir, folder, { recursive: true });
    const clone = world().agentOn(folder);
    const [one, other] = first === "the clone" ? [clone, original] : [original, clone];

    await one.run();
    const oneIsOut = one.logs("two machines use this agent's key");
    const otherIsOut = other.logs("Two machines use this agent's key");
    other.launch();
    await Promise.all([oneIsOut, otherIsOut]);
    const { id, quarantinedAt, presence } = await onlyAgent(tenant);
    expect([quarantinedAt, presence]).toEqual([expect.any(String), undefined]);
    const execution = await tenant.run(runbookOf({ look: "true" }));

    await one.kill();
    await tenant.api.call(answerSchema, "POST", `/agents/${id}/release`);
    await other.kill();
    await other.run();
    expect((await execution.finished()).state).toBe("succeeded");
    const isOutAgain = one.logs("Two machines use this agent's key");
    one.launch();
    await isOutAgain;
    await Promise.all([one.kill(), other.kill()]);
  },
);

it("[HS6] an agent goes over to a new key, and its old one is good for nothing", async () => {
  const tenant = await world().signUp();
  const agent = await world().startAgent(tenant);
  const old = readFileSync(join(agent.stateDir, "identity.json"), "utf8");
  const before = await onlyAgent(tenant);
  const goneOver = agent.logs("uses its new key");
  const said = execFileSync(process.execPath, [AGENT_FILE, "rotate-key", "--state", agent.stateDir], {
    encoding: "utf8",
  });
  await goneOver;
  const after = await onlyAgent(tenant);
  expect(after.fingerprint).not.toBe(before.fingerprint);
  expect(said).toContain(after.fingerprint);
  const execution = await tenant.run(runbookOf({ look: "true" }));
  expect((await execution.finished()).state).toBe("succeeded");

  const folder = world().newFolder("old");
  await agent.kill();
  rmSync(join(agent.stateDir, "control.sock"), { force: true });
  cpSync(agent.stateDir, folder, { recursive: true });
  writeFileSync(join(folder, "identity.json"), old, { mode: 0o600 });
  const stale = world().agentOn(folder);
  const refused = stale.logs("must be signed with the agent's own key");
  stale.launch();
  await refused;
});

it("[S4] a revoked agent is out within 5 s in the middle of a step: its processes are gone, the execution is told", async () => {
  const tenant = await world().signUp();
  const agent = await world().startAgent(tenant);
  const oracle = world().oracle();
  const stubborn = `trap '' TERM INT; ${oracle.line}; setsid sleep 300 & echo up; while :; do sleep 0.2; done`;
  const execution = await tenant.run(runbookOf({ long: stubborn }));
  await execution.printed("long", "up\n");
  const { id } = await onlyAgent(tenant);
  const isTold = agent.logs("4403");
  const began = performance.now();
  await tenant.api.call(answerSchema, "DELETE", `/agents/${id}`);
  const finished = await execution.finished();
  await untilGone(oracle.runs().map(({ pid }) => pid));
  expect(performance.now() - began).toBeLessThan(REVOKED_WITHIN_MS);
  expect(finished.state).toBe("failed");
  await isTold;
  const refused = agent.logs("agent was revoked");
  await agent.kill();
  agent.launch();
  await refused;
}, 60_000);

it.each([3_600_000, -3_600_000])(
  "[fault 28] [G12] an agent whose clock is %i ms off connects and works",
  async (off) => {
    const tenant = await world().signUp();
    const agent = await world().startAgent(tenant);
    await agent.kill();
    const wrong = join(agent.stateDir, "..", `wrong${off}.mjs`);
    writeFileSync(
      wrong,
      `const Right = Date;
       globalThis.Date = class extends Right {
         constructor(...given) { given.length > 0 ? super(...given) : super(Right.now() + ${off}); }
         static now() { return Right.now() + ${off}; }
       };`,
    );
    await agent.run({ NODE_OPTIONS: `--import=${wrong}` });
    const execution = await tenant.run(runbookOf({ look: "true" }));
    expect((await execution.finished()).state).toBe("succeeded");
    await agent.kill();
  },
);
