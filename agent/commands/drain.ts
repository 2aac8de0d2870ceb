import { markDraining } from "../agent.ts";
import { sleep, systemClock } from "../clock.ts";
import { LOCAL_OPTIONS } from "../config.ts";
import { inWords } from "../files.ts";
import { requireIdentity } from "../identity.ts";
import { askAgent } from "../local/client.ts";
import type { AgentReport } from "../local/protocol.ts";
import { actAsOwner } from "../owner.ts";
import { type StatePaths, statePaths } from "../paths.ts";
import { command, yes } from "./command.ts";

export const drainCommand = command({
  usage: "drain [--state DIR] [--wait]",
  options: { ...LOCAL_OPTIONS, wait: yes() },
  run: (config) => drain(config, true),
});

export const undrainCommand = command({
  usage: `undrain [--state DIR]
      Take no new work, also after a restart, and let what runs end; take it again.`,
  options: LOCAL_OPTIONS,
  run: (config) => drain({ ...config, wait: false }, false),
});

const LOOK_EVERY_MS = 500;

/** `farhand-agent drain` and `undrain`: whether the agent takes new work; what runs goes on. It outlasts restarts. */
async function drain({ state, wait }: { state: string; wait: boolean }, isDraining: boolean): Promise<void> {
  actAsOwner(state);
  const paths = statePaths(state);
  requireIdentity(paths);
  const ask = () => askAgent(paths.socket, isDraining ? "drain" : "undrain");
  const running = (await ask()) ?? (await note(paths, isDraining, ask));
  if (!running) {
    say(`The agent does not run. When it starts it ${isDraining ? "takes no work" : "takes work"}.`);
    return;
  }
  if (!isDraining) return say("The agent takes work again.");
  say(`The agent takes no more work${workWords(running.report)}. "undrain" has it take work again.`);
  if (wait) await untilIdle(paths.socket);
}

/** For the next start. Asks again then: an agent that answers by now may have looked before. */
async function note<T>(
  { draining, root }: StatePaths,
  isDraining: boolean,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    markDraining(draining, isDraining);
  } catch (error) {
    throw inWords(error, root);
  }
  return ask();
}

/** Resolves when nothing runs any more, or the agent itself is gone. */
async function untilIdle(socket: string): Promise<void> {
  for (;;) {
    const running = await askAgent(socket, "status");
    if (!running || running.report.leases.length === 0) return say("Nothing runs any more.");
    await sleep(systemClock, LOOK_EVERY_MS);
  }
}

function workWords({ leases }: AgentReport): string {
  if (leases.length === 0) return "; nothing runs";
  return `; ${leases.length} ${leases.length === 1 ? "execution goes" : "executions go"} on`;
}

function say(words: string): void {
  process.stdout.write(`${words}\n`);
}
