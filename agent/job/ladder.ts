/** Rule CX1: interrupt, terminate, grace, kill; and then make sure that nobody is left. */
import { type Clock, sleep } from "../clock.ts";
import type { ProcessInfo } from "./processes.ts";
import type { ProcessTree } from "./tree.ts";

/** From the interrupt to the terminate, when the grace is long enough for both. */
const INTERRUPT_MS = 1_000;
/** How long processes may take to vanish after a kill, which none can refuse. */
const VANISH_MS = 5_000;
const POLL_MS = { first: 10, most: 100 };

type Rung = { at: number; signal: NodeJS.Signals };

/** When each signal is sent, ms from the start. */
export function rungsOf(graceMs: number): Rung[] {
  if (graceMs <= 0) return [{ at: 0, signal: "SIGKILL" }];
  return [
    { at: 0, signal: "SIGINT" },
    { at: Math.min(INTERRUPT_MS, graceMs / 2), signal: "SIGTERM" },
    { at: graceMs, signal: "SIGKILL" },
  ];
}

export interface LadderOptions {
  graceMs: number;
  clock: Clock;
  /** Whom to end: the whole tree, or only what is still in the group of the spawned process. */
  scope: "tree" | "group";
}

/**
 * Ends the processes of an attempt.
 * @returns true when they are known to be gone
 */
export async function climb(tree: ProcessTree, options: LadderOptions): Promise<boolean> {
  const { clock, graceMs } = options;
  const find = () => (options.scope === "tree" ? tree.members() : tree.group());
  const send = (to: readonly ProcessInfo[], signal: NodeJS.Signals) =>
    options.scope === "tree" && signal === "SIGKILL" ? tree.kill(to) : tree.signal(to, signal);
  const rungs = rungsOf(graceMs);
  const begun = clock.monotonic();
  let pause = POLL_MS.first;
  for (;;) {
    const left = await find();
    if (left.length === 0) return true;
    const elapsed = clock.monotonic() - begun;
    if (elapsed > graceMs + VANISH_MS) return false;
    const rung = rungs[0];
    if (rung && elapsed >= rung.at) {
      rungs.shift();
      send(left, rung.signal);
      pause = POLL_MS.first;
    } else if (!rung) {
      // Whatever was forked between looking and killing is found by looking again.
      send(left, "SIGKILL");
    }
    const untilRung = rungs[0] ? Math.max(1, begun + rungs[0].at - clock.monotonic()) : pause;
    await sleep(clock, Math.min(pause, untilRung));
    pause = Math.min(pause * 2, POLL_MS.most);
  }
}
