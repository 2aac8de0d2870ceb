/** Far more output than anybody keeps: the agent's memory does not grow with it. */
import { expect, it } from "vitest";
import { LONG, LONG_TIMEOUT_MS } from "../harness/long.ts";
import { peakMemoryOf } from "../harness/processes.ts";
import { command, connectedSite, prepareAgent } from "./harness.ts";

const MIB = 1024 * 1024;
const KEPT = 64 * MIB;
/** Buffers, garbage that has not been collected yet, and the socket's own. */
const ROOM_BYTES = 160 * MIB;

prepareAgent();

const FLOODS: [string, number, string][] = [
  ["lines", LONG ? 10 * 1024 : 300, "yes 'a line of output, like so many others before it and after it'"],
  ["one line without an end", LONG ? 1024 : 100, "tr '\\0' x < /dev/zero"],
];

it.each(FLOODS)(
  "[OT5] [fault 24] %s: %i MiB are read, what is over the limit is counted, the memory is bounded",
  async (_, mebibytes, source) => {
    const { plane, agent } = await connectedSite();
    const before = peakMemoryOf(agent.pid);
    const { coordinator } = await plane.offer({
      blocks: [command("flood", `${source} | head -c ${mebibytes}M; exit 5`)],
    });
    const finished = await coordinator.finished("flood");
    expect(finished.outcome).toEqual({ type: "exited", exitCode: 5 });
    const { bytes, cutBytes } = finished.streams.stdout;
    expect([bytes, bytes + cutBytes]).toEqual([KEPT, mebibytes * MIB]);
    expect(peakMemoryOf(agent.pid) - before).toBeLessThan(ROOM_BYTES);
  },
  LONG ? LONG_TIMEOUT_MS : 60_000,
);
