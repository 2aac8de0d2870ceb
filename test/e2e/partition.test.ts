/** The line between an agent and its control plane goes dead without a word, in the middle of a step. */
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { open } from "../harness/files.ts";
import { LONG, LONG_TIMEOUT_MS } from "../harness/long.ts";
import { repeatedFence, runbookOf } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

/** How long a dead connection may go unnoticed, and how long it takes to say so. */
const NOTICED_MS = 45_000 + 5_000;

test.runIf(LONG).concurrent(
  "[G3] [fault 16] 5 s there and 5 s back, 1 KB/s, byte for byte: slower, and still right",
  async () => {
    const tenant = await world().signUp();
    const proxy = await world().tcpProxy();
    await world().startAgent(tenant, { url: proxy.url });
    const oracle = world().oracle();
    const execution = await tenant.run(runbookOf({ work: `${oracle.line}; echo up; sleep 5; seq 1 5000` }));
    await execution.printed("work", "up\n");
    proxy.set({ latencyMs: 5_000, bytesPerSecond: 1_000, sliceBytes: 1 });
    expect((await execution.finished()).state).toBe("succeeded");
    const numbers = Array.from({ length: 5_000 }, (_, index) => `${index + 1}\n`);
    expect(await execution.stored("work")).toBe(`up\n${numbers.join("")}`);
    expect(oracle.runs()).toHaveLength(1);
  },
  LONG_TIMEOUT_MS,
);

describe.concurrent("a black hole between agent and control plane", () => {
  test.each(LONG ? [60, 600] : [2])(
    "[G3] [G14] [fault 15] for %i s: noticed, spooled, and all of it told afterwards",
    async (seconds) => {
      const tenant = await world().signUp();
      const proxy = await world().tcpProxy();
      const agent = await world().startAgent(tenant, { url: proxy.url });
      const [oracle, gate] = [world().oracle(), world().newFolder("gate")];
      const talk = `n=0; until [ -e '${gate}' ]; do n=$((n+1)); echo "line $n"; sleep 0.01; done`;
      const execution = await tenant.run(runbookOf({ work: `${oracle.line}\n${talk}`, next: oracle.line }));
      await execution.printed("work", "line 20\n");
      const began = performance.now();
      const noticed = seconds * 1_000 > NOTICED_MS ? agent.logs("fell silent") : undefined;
      proxy.set({ blackHole: true });
      await noticed;
      if (noticed) expect(performance.now() - began).toBeLessThan(NOTICED_MS);
      await wait(began + seconds * 1_000 - performance.now());
      expect((await execution.read()).state).toBe("running");
      const lines = execution.stdout("work").split("\n").length;
      proxy.heal();
      // Printed while nobody heard it: more than what was under way at the beginning.
      await execution.printed("work", `line ${lines + 100}\n`);
      await open(gate);
      expect((await execution.finished()).state).toBe("succeeded");
      const stored = (await execution.stored("work")).trimEnd().split("\n");
      expect(stored).toEqual(stored.map((_, index) => `line ${index + 1}`));
      expect(execution.stdout("work")).toBe(await execution.stored("work"));
      expect(oracle.runs().map(({ step }) => step)).toEqual(["work", "next"]);
    },
    LONG_TIMEOUT_MS,
  );

  test.runIf(LONG)(
    "[G2] [LS3] [fault 15] for longer than the lease: a step that may be repeated runs again when it has ended, and its agent is back",
    async () => {
      const tenant = await world().signUp();
      const proxy = await world().tcpProxy();
      await world().startAgent(tenant, { name: "first", url: proxy.url });
      const [oracle, beats] = [world().oracle(), world().newFolder("beats")];
      // Says when it lives, by the clock that all processes of a host share. Only a kill ends the first attempt.
      const beat = `echo "$FARHAND_ATTEMPT $(cut -d ' ' -f 1 /proc/uptime)" >> '${beats}'; sleep 0.05`;
      const script = [
        oracle.line,
        "trap '' INT TERM; echo up",
        `n=0; while [ "$FARHAND_ATTEMPT" -eq 1 ] || [ $n -lt 40 ]; do n=$((n+1)); ${beat}; done`,
      ].join("\n");
      const execution = await tenant.run(
        `# Test\n\n${repeatedFence("work", 3, { "on-disconnect": "stop", script })}\n`,
      );
      await execution.printed("work", "up\n");
      await world().startAgent(tenant, { name: "second" });
      proxy.set({ blackHole: true });
      expect((await execution.event("attempt.failed")).state).toBe("unknown");
      // Its files are on that agent: it is waited for, although another is free.
      expect((await execution.event("lease.queued")).reason).toBe("no_agent_connected");
      proxy.heal();
      expect((await execution.finished()).state).toBe("succeeded");
      expect((await execution.event("lease.granted", ({ fence }) => fence === 2)).agentName).toBe("first");
      expect(oracle.runs().map(({ attempt }) => attempt)).toEqual([1, 2]);
      const times = (attempt: number) =>
        readFileSync(beats, "utf8")
          .split("\n")
          .filter((line) => line.startsWith(`${attempt} `))
          .map((line) => Number(line.split(" ")[1]));
      expect(Math.max(...times(1))).toBeLessThan(Math.min(...times(2)));
    },
    LONG_TIMEOUT_MS,
  );
});
