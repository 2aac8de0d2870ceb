/** The disk under the agent's state fills up, fails or turns read-only in the middle of a step. */
import { afterEach, describe, expect, test } from "vitest";
import type { TestAgent } from "../harness/agent.ts";
import { Disk, noDiskBecause } from "../harness/disk.ts";
import { open } from "../harness/files.ts";
import { LONG } from "../harness/long.ts";
import { untilGone } from "../harness/processes.ts";
import { runbookOf } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

if (noDiskBecause) console.warn(`No test of disks that fail: ${noDiskBecause}.`);

let disk: Disk | undefined;
let agent: TestAgent | undefined;
afterEach(async () => {
  await agent?.kill();
  await disk?.unmount();
  disk = undefined;
});

/** A step that prints numbered lines, on an agent whose state is on a disk of its own. */
async function printing() {
  const tenant = await world().signUp();
  disk = Disk.create(world().newFolder("disk"));
  agent = await world().startAgent(tenant, { folder: disk.folder });
  const [oracle, gate] = [world().oracle(), world().newFolder("gate")];
  // Outside of that disk: the script itself is not to fail with it.
  const talk = `cd /; n=0; until [ -e '${gate}' ]; do n=$((n+1)); echo "line $n"; sleep 0.005; done`;
  const execution = await tenant.run(runbookOf({ work: `${oracle.line}\n${talk}` }));
  await execution.printed("work", "line 20\n");
  return { tenant, disk, agent, execution, oracle, gate };
}

/** Lines from the first on, in order, and nothing else. */
function expectLines(text: string): void {
  const lines = text.split("\n").slice(0, -1);
  expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`));
}

describe.skipIf(noDiskBecause !== undefined)("[fault 23] the disk of the agent", () => {
  test("[G3] is full: the script is held up, nothing new begins, and with room again nothing is missing", async () => {
    const { tenant, disk, agent, execution, oracle, gate } = await printing();
    const held = agent.logs("cannot store output");
    disk.fill();
    await held;
    const next = LONG ? await tenant.run(runbookOf({ next: oracle.line })) : undefined;
    await next?.event("lease.queued");
    disk.free();
    const lines = execution.stdout("work").split("\n").length;
    await execution.printed("work", `line ${lines + 50}\n`);
    await open(gate);
    expect((await execution.finished()).state).toBe("succeeded");
    const stored = await execution.stored("work");
    expectLines(stored);
    expect(stored.endsWith("\n")).toBe(true);
    if (next) expect((await next.finished()).state).toBe("succeeded");
    expect(oracle.runs().map(({ step }) => step)).toEqual(next ? ["work", "next"] : ["work"]);
  });

  test.each<[string, (disk: Disk) => void]>([
    ["fails with EIO", (disk) => disk.fail()],
    ["turns read-only", (disk) => disk.turnReadOnly()],
  ])(
    "[G1] %s: that is told, a cancel still works, and nothing new begins until it is mended",
    async (_, breaks) => {
      const { tenant, disk, agent, execution, oracle } = await printing();
      const held = agent.logs("cannot store output");
      breaks(disk);
      await held;
      await tenant.api.raw("POST", `/api/v1/executions/${execution.id}/cancel`);
      const { state, confirmed } = await execution.finished();
      expect([state, confirmed]).toEqual(["canceled", true]);
      await untilGone(oracle.runs().map(({ pid }) => pid));
      expectLines(await execution.stored("work"));

      const next = await tenant.run(runbookOf({ next: oracle.line }));
      await next.event("lease.queued");
      await agent.kill();
      await disk.mend();
      await agent.run();
      expect((await next.finished()).state).toBe("succeeded");
      expect(oracle.runs().map(({ step }) => step)).toEqual(["work", "next"]);
    },
  );
});
