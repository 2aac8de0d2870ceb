import { sign } from "node:crypto";
import { z } from "zod";
import { Agent } from "../agent.ts";
import { systemClock } from "../clock.ts";
import { LOCAL_OPTIONS, POLICY_OPTIONS, policySource, slotsSchema, word } from "../config.ts";
import { ConnectCounter } from "../connection/counter.ts";
import { createDial } from "../connection/handshake.ts";
import { proxyName } from "../connection/proxy.ts";
import { routeTo } from "../connection/route.ts";
import { ServerTime } from "../connection/serverTime.ts";
import { createTransport, type Transport } from "../connection/transport.ts";
import { EXIT } from "../failure.ts";
import { inWords, makePrivateDirectory } from "../files.ts";
import { requireIdentity } from "../identity.ts";
import { KeyRing } from "../keys.ts";
import type { LocalAnswer, LocalRequest } from "../local/protocol.ts";
import { serveLocally } from "../local/server.ts";
import { takeLock } from "../lock.ts";
import { createLog, type Log, wordsOf } from "../log.ts";
import { requireOwnState } from "../owner.ts";
import { type StatePaths, statePaths } from "../paths.ts";
import { policyInForce, sourceAgain } from "../policy/inForce.ts";
import { limitsOf } from "../policy/limits.ts";
import { loadPolicy } from "../policy/load.ts";
import type { Policy } from "../policy/policy.ts";
import { endAtDefects, firstSignal, logWarnings, onHangUp } from "../processEvents.ts";
import { ownPages, releaseAtRest } from "../residentPages.ts";
import { Rotation } from "../rotation.ts";
import { openProviders } from "../secrets/index.ts";
import { sealedStore } from "../secrets/sealed.ts";
import { openSealingKey, type SealingPair } from "../secrets/sealingKey.ts";
import { SecretStore } from "../secrets/store.ts";
import { healthOf } from "../service/health.ts";
import { ServiceManager, systemdChannel } from "../service/manager.ts";
import { downloadRelease } from "../update/download.ts";
import { handoverIn } from "../update/handover.ts";
import { installationAt, isCurrent, ownProgram } from "../update/installation.ts";
import { Updater } from "../update/updater.ts";
import { AGENT_VERSION, RELEASE_KEY } from "../version.ts";
import { type ConfigOf, command, text } from "./command.ts";

const OPTIONS = {
  ...LOCAL_OPTIONS,
  ...POLICY_OPTIONS,
  secrets: text(word, "FARHAND_SECRETS_FILE"),
  slots: text(slotsSchema.optional(), "FARHAND_SLOTS"),
  workDir: text(word, "FARHAND_WORK_DIR"),
  ca: text(word, "FARHAND_CA"),
  stepUser: text(word, "FARHAND_STEP_USER"),
  rotateKeyDays: text(
    z.coerce
      .number({ error: "rotate-key-days must be a whole number of days, 0 for never" })
      .int({ error: "rotate-key-days must be a whole number of days, 0 for never" })
      .min(0, { error: "rotate-key-days must be 0 or more" })
      .max(3_650, { error: "rotate-key-days must be at most 3650" })
      .default(90),
    "FARHAND_ROTATE_KEY_DAYS",
  ),
  installation: text(word, "FARHAND_INSTALLATION"),
};
type RunConfig = ConfigOf<typeof OPTIONS>;

export const runCommand = command({
  usage: `run [--state DIR] [--work-dir DIR] [--slots N] [--ca FILE]
                    [--policy FILE] [--own-policy] [--secrets FILE] [--step-user NAME]
                    [--rotate-key-days N]
                    [--log-format json|text] [--log-level debug|info|warn|error]
      Connect and work. SIGTERM or SIGINT stops it in order, a second one at once;
      SIGHUP reads the policy again.`,
  options: OPTIONS,
  run,
});

/** `farhand-agent run`: works until a signal says to stop. Resolves when it has stopped. */
async function run(config: RunConfig): Promise<void> {
  const paths = statePaths(config.state, config.workDir);
  requireOwnState(config.state);
  const identity = requireIdentity(paths);
  const policy = loadPolicy(policySource(config));
  const sealingKey = takeState(paths, identity.agentId);
  const log = createLog({ format: config.logFormat, level: config.logLevel }, { agentId: identity.agentId });
  endAtDefects(log);
  logWarnings(log);
  const ready = Promise.withResolvers<Agent>();
  // From early on: without a listener the signal would end the agent.
  onHangUp(async () => {
    readPolicyAgain(await ready.promise, config, log);
    updater.look();
  });
  const slots = Math.min(config.slots ?? identity.slots, limitsOf(policy).slots ?? Number.POSITIVE_INFINITY);
  let service: ServiceManager | undefined;
  const clock = systemClock;
  const store = new SecretStore(paths.secrets);
  const sealed = sealedStore(paths.sealed);
  const providers = openProviders({ file: config.secrets, env: process.env, clock, store, sealed });
  const keys = KeyRing.open(paths, identity);
  const transport = createTransport(routeTo(identity.url, process.env, config.ca, identity));
  const time = new ServerTime(clock);
  const counter = ConnectCounter.open(paths.connects);
  const updater: Updater = updaterFor(config, transport, log, () => agent);
  const agent: Agent = await Agent.open({
    ...{ identity, slots, paths, providers, log, policy, clock, updates: updater, stepUser: config.stepUser },
    sealing: { key: sealingKey, sign: (data) => sign(null, data, keys.active.privateKey) },
    dial: createDial({ keys, counter, transport, clock, time, log }),
    random: Math.random,
    changed: () => service?.changed(),
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
    sealingKey: sealingKey.fingerprint,
  });
  sayPolicy(policy, config, log);
  const rotation = new Rotation({
    ...{ keys, transport, clock, time, log, days: config.rotateKeyDays },
    reconnect: () => agent.reconnect("a new key"),
  });
  const local = serveLocally(paths.socket, answerLocally({ agent, rotation, updater }, config), log);
  agent.start();
  ready.resolve(agent);
  rotation.start();
  const channel = systemdChannel(process.env);
  const health = () => healthOf(agent.contact, clock.monotonic());
  service = channel && new ServiceManager({ ...channel, health, clock, log });
  service?.ready();
  const pages = ownPages();
  if (pages) releaseAtRest(clock, pages);
  await firstSignal(() => {
    log.warn("told twice to stop: killing what runs");
    agent.killNow();
    process.exit(EXIT.failed);
  });
  service?.stopping();
  local.close();
  rotation.stop();
  updater.stop();
  await agent.shutdown();
}

/** Makes the state folder this process's own. @returns the key in it that secrets are sealed to. @throws Failure */
function takeState(paths: StatePaths, agentId: string): SealingPair {
  try {
    makePrivateDirectory(paths.root);
    takeLock(paths.lock);
    return openSealingKey(paths.sealingKey, agentId);
  } catch (error) {
    throw inWords(error, paths.root);
  }
}

/** @param agent as soon as there is one */
function updaterFor(config: RunConfig, transport: Transport, log: Log, agent: () => Agent): Updater {
  const installation = config.installation === undefined ? undefined : installationAt(config.installation);
  return new Updater({
    version: AGENT_VERSION,
    installation: installation && isCurrent(installation, ownProgram()) ? installation : undefined,
    handover: handoverIn(config.state),
    rules: () => agent().policy.rules.update,
    key: RELEASE_KEY,
    download: (what) => downloadRelease({ transport, ...what }),
    holdBack: (isHolding) => agent().holdBack(isHolding),
    isIdle: () => agent().idle,
    changed: () => agent().reconnect("an update came to nothing"),
    ...{ clock: systemClock, random: Math.random, log },
  });
}

/** Reads the policy again: a good one is in force from the next step on, a bad one changes nothing. */
function readPolicyAgain(agent: Agent, config: RunConfig, log: Log): void {
  try {
    const policy = loadPolicy(sourceAgain(agent.policy, policySource(config)));
    agent.policy = policy;
    sayPolicy(policy, config, log);
  } catch (error) {
    log.error("THE POLICY WAS NOT READ AGAIN: the one from before stays in force", {
      reason: wordsOf(error),
    });
  }
}

function sayPolicy({ digest }: Policy, config: RunConfig, log: Log): void {
  const { path } = policySource(config);
  if (digest === "default") log.warn("no policy file: the default policy is in force", { path });
  else log.info("policy in force", { path, digest });
}

/** What other commands ask of the running agent. */
function answerLocally(
  { agent, rotation, updater }: { agent: Agent; rotation: Rotation; updater: Updater },
  config: RunConfig,
): (request: LocalRequest) => Promise<LocalAnswer> {
  const startedAt = new Date().toISOString();
  return async ({ command }) => {
    let said: string | undefined;
    try {
      switch (command) {
        case "status":
          break;
        case "drain":
        case "undrain":
          agent.drain(command === "drain");
          break;
        case "hold-back":
          updater.holdForPerson();
          break;
        case "rotate-key":
          said = await rotation.rotate();
          break;
        default:
          command satisfies never;
      }
    } catch (error) {
      throw inWords(error, config.state);
    }
    return {
      ok: true,
      said,
      report: {
        pid: process.pid,
        version: AGENT_VERSION,
        startedAt,
        ...agent.report(),
        policy: policyInForce(agent.policy, policySource(config)),
      },
    };
  };
}
