import { WAIT_MAX_MS } from "#protocol/limits.ts";
import { nextTimeOfDay } from "./clock.ts";
import type { BlockDefinition } from "./kind.ts";
import { resolve } from "./values.ts";

/** Waits for a while, or until a time. */
export const timer: BlockDefinition<"timer"> = {
  title: (block) => block.id,
  begin: (block, scene) => {
    if (block.durationMs !== undefined) {
      return { type: "wait", wait: { for: "time", until: scene.now + block.durationMs } };
    }
    const written = resolve(block.until ?? "", scene);
    const until = /^\d{1,2}:\d{2}$/.test(written)
      ? nextTimeOfDay(written, block.zone ?? "UTC", scene.now)
      : Date.parse(written);
    if (until === undefined || Number.isNaN(until)) {
      return {
        type: "fail",
        detail: `"${written.slice(0, 60)}" is no time: write HH:MM, or a date such as 2030-01-31T09:00:00Z`,
      };
    }
    if (until - scene.now > WAIT_MAX_MS) {
      return { type: "fail", detail: `${new Date(until).toISOString()} is more than 30 days away` };
    }
    return { type: "wait", wait: { for: "time", until } };
  },
};
