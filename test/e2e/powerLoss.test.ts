import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { TestAgent } from "../harness/agent.ts";
import { Disk, noDiskBecause } from "../harness/disk.ts";
import type { FollowedExecution } from "../harness/execution.ts";
import { open, untilTrue } from "../harness/files.ts";
import type { Oracle } from "../harness/oracle.ts";
import { untilGone } from "../harness/processes.ts";
import type { TcpProxy } from "../harness/tcpProxy.ts";
import { runbookOf } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

if (noDiskBecause) console.warn(`No test of lost power: ${noDiskBecause}.`);

interface Scene {
  agent: TestAgent;
  proxy: TcpProxy;
  execution: FollowedExecution;
  oracle: Oracle;
  gate: string;
  powerFails(): Promise<void>;
}

let disk: Disk | undefined;
let agent: TestAgent | undefined;
afterEach(async () => {
  await agent?.kill();
  await disk?.unmount();
  disk = undefined;
});

/** A step that prints lines, on an agent whose state is on a disk of its own. */
async function printing(): Promise<Scene> {
  const tenant = await world().signUp();
  const proxy = await world().tcpProxy();
  disk = Disk.create(world().newFolder("disk"));
  agent = await world().startAgent(tenant, { url: proxy.url, folder: disk.folder });
  const [oracle, gate] = [world().oracle(), world().newFolder("gate")];
  const talk = `n=0; until [ -e '${gate}' ]; do n=$((n+1)); echo "line $n"; sleep 0.01; done; exit 3`;
  const execution = await tenant.run(runbookOf({ work: `${oracle.line}\n${talk}`, next: oracle.line }));
  await execution.printed("work", "line 20\n");
  const scene = { agent, proxy, execution, oracle, gate };
  const host = { agent, disk };
  const powerFails = async () => {
    host.agent.signal("SIGSTOP");
    await host.disk.losePower(async () => {
      for (const { pid } of oracle.runs()) killIfThere(pid);
      await host.agent.kill();
      await untilGone(oracle.runs().map(({ pid }) => pid));
    });
  };
  return { ...scene, powerFails };
}

function spooledBytes({ stateDir }: TestAgent): number {
  const folder = join(stateDir, "spool");
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

/** The whole session of a step. */
function killIfThere(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** Lines from the first on, in order, and nothing else. */
function expectLines(text: string): void {
  const lines = text.split("\n").slice(0, -1);
  expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`));
}

describe.skipIf(noDiskBecause !== undefined)("[fault 5] the agent's host loses its power", () => {
  test("[G1] [G3] in the middle of a step: what was acknowledged is there, and nothing runs again", async () => {
    const { agent, execution, oracle, powerFails } = await printing();
    await powerFails();
    const shown = execution.stdout("work");
    await agent.run();
    expect((await execution.finished()).state).toBe("failed");
    const { steps } = await execution.read();
    expect(steps.map(({ state }) => state)).toEqual(["unknown", "skipped"]);
    const stored = await execution.stored("work");
    expect(stored.startsWith(shown)).toBe(true);
    expectLines(stored);
    expect(oracle.runs()).toHaveLength(1);
  });

  test("[G1] [G3] with output that could not be sent: what is stored is from its beginning, and nothing else", async () => {
    const { agent, proxy, execution, oracle, powerFails } = await printing();
    proxy.cut();
    const before = spooledBytes(agent);
    await untilTrue("more output in the spool", () => spooledBytes(agent) > before + 1_000);
    const shown = execution.stdout("work");
    await powerFails();
    proxy.heal();
    await agent.run();
    await execution.finished();
    const stored = await execution.stored("work");
    expect(stored.startsWith(shown)).toBe(true);
    expectLines(stored);
    expect(oracle.runs()).toHaveLength(1);
  });

  test("[G1] after the step ended and before that was heard or synced: nobody guesses how", async () => {
    const { agent, proxy, execution, oracle, gate, powerFails } = await printing();
    proxy.cut();
    await open(gate);
    await untilGone(oracle.runs().map(({ pid }) => pid));
    await agent.journaledEnd("work");
    await powerFails();
    proxy.heal();
    await agent.run();
    await execution.finished();
    const { steps } = await execution.read();
    expect(steps[0]?.outcome?.type).toBe("unknown");
    expectLines(await execution.stored("work"));
    expect(oracle.runs()).toHaveLength(1);
  });
});
