import { Agent } from "../agent.ts";
import { systemClock } from "../clock.ts";
import type { RunConfig } from "../config.ts";
import { createDial } from "../connection/handshake.ts";
import { EXIT, Failure } from "../failure.ts";
import { inWords, makePrivateDirectory } from "../files.ts";
import { loadIdentity } from "../identity.ts";
import { invocation } from "../invocation.ts";
import { takeLock } from "../lock.ts";
import { createLog, wordsOf } from "../log.ts";
import { statePaths } from "../paths.ts";
import { loadRequirement } from "../signatures/load.ts";
import { AGENT_VERSION } from "../version.ts";

/** `farhand-agent run`: works until a signal says to stop. Resolves when it has stopped. */
export async function run(config: RunConfig): Promise<void> {
  const paths = statePaths(config.state, config.workDir);
  const identity = loadIdentity(paths.identity);
  if (!identity) {
    throw new Failure(
      `this host is not enrolled (nothing in ${config.state}): run "${invocation()} enroll" first`,
    );
  }
  const signatures = loadRequirement(config.requireSignature);
  try {
    makePrivateDirectory(paths.root);
    takeLock(paths.lock);
  } catch (error) {
    throw inWords(error, config.state);
  }
  const log = createLog({ format: config.logFormat, level: config.logLevel }, { agentId: identity.agentId });
  // A defect must not take the steps of other executions with it in silence: the journal is true, so
  // dying and being restarted is safe, and going on in an unknown state is not.
  process.on("uncaughtException", (error) => {
    log.error("defect in the agent; stopping so that it can be restarted", { reason: wordsOf(error) });
    process.exit(EXIT.failed);
  });
  const slots = config.slots ?? identity.slots;
  const agent = await Agent.open({
    ...{ identity, signatures, slots, paths, log },
    dial: createDial(identity, systemClock),
    clock: systemClock,
    random: Math.random,
  }).catch((error) => {
    throw inWords(error, config.state);
  });
  log.info("agent started", { version: AGENT_VERSION, url: identity.url, pool: identity.poolName, slots });
  agent.start();
  await firstSignal(() => {
    log.warn("told twice to stop: killing what runs");
    agent.killNow();
    process.exit(EXIT.failed);
  });
  await agent.shutdown();
}

/** Resolves at the first SIGTERM or SIGINT; calls `again` at the next. */
function firstSignal(again: () => void): Promise<void> {
  return new Promise((resolve) => {
    let seen = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        if (seen) again();
        seen = true;
        resolve();
      });
    }
  });
}
