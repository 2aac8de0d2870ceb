import { Agent } from "../agent.ts";
import { systemClock } from "../clock.ts";
import type { RunConfig } from "../config.ts";
import { ConnectCounter } from "../connection/counter.ts";
import { createDial } from "../connection/handshake.ts";
import { proxyName } from "../connection/proxy.ts";
import { routeTo } from "../connection/route.ts";
import { ServerTime } from "../connection/serverTime.ts";
import { createTransport } from "../connection/transport.ts";
import { EXIT } from "../failure.ts";
import { inWords, makePrivateDirectory } from "../files.ts";
import { requireIdentity } from "../identity.ts";
import { KeyRing } from "../keys.ts";
import type { LocalAnswer, LocalRequest } from "../local/protocol.ts";
import { serveLocally } from "../local/server.ts";
import { takeLock } from "../lock.ts";
import { createLog, wordsOf } from "../log.ts";
import { statePaths } from "../paths.ts";
import { Rotation } from "../rotation.ts";
import { AGENT_VERSION } from "../version.ts";

/** `farhand-agent run`: works until a signal says to stop. Resolves when it has stopped. */
export async function run(config: RunConfig): Promise<void> {
  const paths = statePaths(config.state, config.workDir);
  const identity = requireIdentity(paths);
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
  const keys = KeyRing.open(paths, identity);
  const transport = createTransport(routeTo(identity.url, process.env, config.ca, identity));
  const clock = systemClock;
  const time = new ServerTime(clock);
  const counter = ConnectCounter.open(paths.connects);
  const agent = await Agent.open({
    ...{ identity, slots, paths, log, clock },
    dial: createDial({ keys, counter, transport, clock, time, log }),
    random: Math.random,
  }).catch((error) => {
    throw inWords(error, config.state);
  });
  const proxy = transport.proxy && proxyName(transport.proxy);
  log.info("agent started", {
    version: AGENT_VERSION,
    url: identity.url,
    pool: identity.poolName,
    slots,
    proxy,
  });
  agent.start();
  const rotation = new Rotation({
    ...{ keys, transport, clock, time, log, days: config.rotateKeyDays },
    reconnect: () => agent.reconnect("a new key"),
  });
  rotation.start();
  const local = serveLocally(paths.socket, answerLocally(agent, rotation), log);
  await firstSignal(() => {
    log.warn("told twice to stop: killing what runs");
    agent.killNow();
    process.exit(EXIT.failed);
  });
  local.close();
  rotation.stop();
  await agent.shutdown();
}

/** What other commands ask of the running agent. */
function answerLocally(agent: Agent, rotation: Rotation): (request: LocalRequest) => Promise<LocalAnswer> {
  const startedAt = new Date().toISOString();
  return async ({ command }) => {
    let said: string | undefined;
    switch (command) {
      case "status":
        break;
      case "drain":
      case "undrain":
        agent.drain(command === "drain");
        break;
      case "rotate-key":
        said = await rotation.rotate();
        break;
      default:
        command satisfies never;
    }
    return {
      ok: true,
      said,
      report: { pid: process.pid, version: AGENT_VERSION, startedAt, ...agent.report() },
    };
  };
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
