/**
 * Loaded into the agent before its own code: measures its event loop from one
 * SIGUSR2 to the next and writes what it found to the file it was told. Between
 * measurements it does nothing at all.
 */
import { renameSync, writeFileSync } from "node:fs";
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from "node:perf_hooks";

const file = process.env.FARHAND_BENCH_EVENT_LOOP ?? "";
const delay = monitorEventLoopDelay({ resolution: 5 });
let before: EventLoopUtilization | undefined;

process.on("SIGUSR2", () => {
  if (!before) {
    delay.reset();
    delay.enable();
    before = performance.eventLoopUtilization();
    return;
  }
  delay.disable();
  const { utilization } = performance.eventLoopUtilization(before);
  before = undefined;
  const found = { utilization, delayP99Ms: delay.percentile(99) / 1e6 };
  writeFileSync(`${file}.part`, JSON.stringify(found));
  renameSync(`${file}.part`, file);
});
