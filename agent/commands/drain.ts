import { markDraining } from "../agent.ts";
import { sleep, systemClock } from "../clock.ts";
import type { DrainConfig } from "../config.ts";
import { Failure } from "../failure.ts";
import { errorCode } from "../files.ts";
import { requireIdentity } from "../identity.ts";
import { askAgent } from "../local/client.ts";
import type { AgentReport } from "../local/protocol.ts";
import { statePaths } from "../paths.ts";

const LOOK_EVERY_MS = 500;

/** `farhand-agent drain` and `undrain`: whether the agent takes new work; what runs goes on. It outlasts restarts. */
export async function drain(config: DrainConfig, isDraining: boolean): Promise<void> {
  const paths = statePaths(config.state);
  requireIdentity(paths);
  const running = await askAgent(paths.socket, isDraining ? "drain" : "undrain");
  if (!running) {
    try {
      markDraining(paths.draining, isDraining);
    } catch (error) {
      throw new Failure(`cannot write to ${config.state} (${errorCode(error) ?? "unknown error"})`);
    }
    say(`The agent does not run. When it starts it ${isDraining ? "takes no work" : "takes work"}.`);
    return;
  }
  if (!isDraining) return say("The agent takes work again.");
  say(`The agent takes no more work${workWords(running.report)}. "undrain" ends that.`);
  if (config.wait) await untilIdle(paths.socket);
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
