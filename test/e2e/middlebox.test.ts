/** What stands between an agent and its control plane answers in its place, in the middle of a step. */
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { AGENT_PATHS } from "#protocol/assertion.ts";
import type { TestAgent } from "../harness/agent.ts";
import type { FollowedExecution } from "../harness/execution.ts";
import { open } from "../harness/files.ts";
import { LONG, LONG_TIMEOUT_MS } from "../harness/long.ts";
import type { Answer, Middlebox } from "../harness/middlebox.ts";
import type { Oracle } from "../harness/oracle.ts";
import { runbookOf } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

interface Scene {
  box: Middlebox;
  agent: TestAgent;
  execution: FollowedExecution;
  oracle: Oracle;
  /** The step prints until this is there. */
  gate: string;
}

/** A step that prints numbered lines, on an agent behind a middlebox. */
async function printing(): Promise<Scene> {
  const tenant = await world().signUp();
  const box = await world().middlebox();
  const agent = await world().startAgent(tenant, { url: box.url });
  const [oracle, gate] = [world().oracle(), world().newFolder("gate")];
  const talk = `n=0; until [ -e '${gate}' ]; do n=$((n+1)); echo "line $n"; sleep 0.02; done`;
  const execution = await tenant.run(runbookOf({ work: `${oracle.line}\n${talk}`, next: oracle.line }));
  await execution.printed("work", "line 10\n");
  return { box, agent, execution, oracle, gate };
}

/** The words with which the agent tells why it is not connected, and how long it waits then. */
function told(agent: TestAgent, words: RegExp) {
  return agent.until(`the agent to say ${words}`, () =>
    agent.log.find(({ msg, retryInMs }) => words.test(msg) && typeof retryInMs === "number"),
  );
}

/** The step goes on from where it was, once, to a good end, with every line. */
async function expectWhole({ execution, oracle, gate }: Scene): Promise<void> {
  const lines = execution.stdout("work").split("\n").length;
  await execution.printed("work", `line ${lines + 20}\n`);
  await open(gate);
  expect((await execution.finished()).state).toBe("succeeded");
  const stored = (await execution.stored("work")).trimEnd().split("\n");
  expect(stored).toEqual(stored.map((_, index) => `line ${index + 1}`));
  expect(oracle.runs().map(({ step }) => step)).toEqual(["work", "next"]);
}

const PORTAL = { status: 200, headers: { "content-type": "text/html" }, body: "<html>Please log in</html>" };
const busy = (status: number): Answer => ({ status, headers: { "retry-after": "1" } });

const PASSING: [string, Answer, RegExp, number][] = [
  ["[fault 18] a captive portal answers HTML with 200", PORTAL, /captive portal/, 0],
  ["[fault 20] a gateway answers 429 with Retry-After", busy(429), /HTTP 429/, 1_000],
  ["[fault 20] a gateway answers 503 with Retry-After", busy(503), /HTTP 503/, 1_000],
];

describe.concurrent("in the middle of a step", () => {
  test.each(PASSING)(
    "[G3] %s: the step goes on, and all of it is told",
    async (_, answer, words, least) => {
      const scene = await printing();
      const { box, agent } = scene;
      box.answer = () => answer;
      box.cut();
      const { retryInMs } = await told(agent, words);
      expect(retryInMs).toBeGreaterThanOrEqual(least);
      // No hot loop: two sockets, each of which tries now and then.
      if (LONG) await wait(30_000);
      expect(box.refusals.length).toBeLessThanOrEqual(LONG ? 24 : 4);
      box.heal();
      await expectWhole(scene);
    },
    LONG_TIMEOUT_MS,
  );

  test.each([401, 403])(
    "[G3] [fault 19] the control socket is refused with %i: no hot loop, and what runs is told",
    async (status) => {
      const scene = await printing();
      const { box, agent } = scene;
      box.answer = (path) => (LONG || path === AGENT_PATHS.control ? { status } : undefined);
      box.cut();
      const { retryInMs } = await told(agent, new RegExp(`HTTP ${status}`));
      expect(retryInMs).toBeGreaterThanOrEqual(30_000);
      if (LONG) await wait(45_000);
      expect(box.refusals.length).toBeLessThanOrEqual(LONG ? 4 : 1);
      if (LONG) box.heal();
      await expectWhole(scene);
    },
    LONG_TIMEOUT_MS,
  );

  test("[G3] [fault 21] a proxy strips Upgrade: said in words, and the step goes on when it is mended", async () => {
    const scene = await printing();
    const { box, agent } = scene;
    box.stripsUpgrade = true;
    box.cut();
    // Not for the minutes that a version which nobody shares would take.
    expect((await told(agent, /removed the Upgrade header/)).retryInMs).toBeLessThanOrEqual(60_000);
    box.heal();
    await expectWhole(scene);
  });

  test(
    "[G3] [fault 21] a proxy ends idle connections: pings keep them, and what it ended is dialed again",
    async () => {
      const tenant = await world().signUp();
      const box = await world().middlebox();
      // As soon as a second in the short form, which no ping comes before.
      box.idleMs = LONG ? 60_000 : 1_000;
      await world().startAgent(tenant, { url: box.url });
      const oracle = world().oracle();
      const script = `${oracle.line}; echo before; sleep ${LONG ? 150 : 3}; echo after`;
      const execution = await tenant.run(runbookOf({ quiet: script }));
      expect((await execution.finished()).state).toBe("succeeded");
      expect(await execution.stored("quiet")).toBe("before\nafter\n");
      expect(oracle.runs()).toHaveLength(1);
      if (LONG) expect(box.sockets).toBe(2);
      else expect(box.sockets).toBeGreaterThan(2);
    },
    LONG_TIMEOUT_MS,
  );
});
