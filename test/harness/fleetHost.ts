/**
 * Hosts many real agents in one process: each has a state directory, an
 * identity, a journal, a spool and sockets of its own, and spawns what it is
 * told to. Only the process is shared.
 */
import { z } from "zod";
import { AGENT_PATHS } from "#protocol/assertion.ts";
import { Agent } from "../../agent/agent.ts";
import { systemClock } from "../../agent/clock.ts";
import { enroll } from "../../agent/commands/enroll.ts";
import { ConnectCounter } from "../../agent/connection/counter.ts";
import { createDial } from "../../agent/connection/handshake.ts";
import { ServerTime } from "../../agent/connection/serverTime.ts";
import { createTransport } from "../../agent/connection/transport.ts";
import { makePrivateDirectory } from "../../agent/files.ts";
import { loadIdentity } from "../../agent/identity.ts";
import { KeyRing } from "../../agent/keys.ts";
import { takeLock } from "../../agent/lock.ts";
import { createLog, type Log, wordsOf } from "../../agent/log.ts";
import { statePaths } from "../../agent/paths.ts";
import { DEFAULT_POLICY } from "../../agent/policy/policy.ts";
import { type FleetMember, type FleetOrder, type FleetReport, fleetOrderSchema } from "./fleetMessages.ts";
import { inParallel } from "./inParallel.ts";

/** Agents that are being enrolled or opened at a time. */
const AT_ONCE = 8;

const lineSchema = z.object({
  msg: z.string(),
  path: z.string().optional(),
  retryInMs: z.number().optional(),
});

const LOGGING = { logFormat: "json", logLevel: "info" } as const;

const agents: Agent[] = [];

process.on("message", (message) => {
  handle(fleetOrderSchema.parse(message)).catch((error) => tell({ type: "failed", message: wordsOf(error) }));
});
// Whoever started us is gone: so is the need for these agents.
process.on("disconnect", () => process.exit(1));

async function handle(order: FleetOrder): Promise<void> {
  switch (order.type) {
    case "open": {
      const agentIds: string[] = [];
      await inParallel(AT_ONCE, order.members, async (member, at) => {
        agentIds[at] = await open(member, order.url, order.slots);
      });
      return tell({ type: "ready", agentIds });
    }
    case "connect":
      for (const agent of agents) agent.start();
      return;
    case "stop":
      await Promise.all(agents.map((agent) => agent.shutdown()));
      process.exit(0);
      break;
    default:
      order satisfies never;
  }
}

/** @returns the id that the control plane gave it */
async function open(member: FleetMember, url: string, slots: number): Promise<string> {
  const { stateDir: state, name, labels, token } = member;
  const paths = statePaths(state);
  if (!loadIdentity(paths.identity)) {
    const label = Object.entries(labels);
    await enroll({ state, url, token, name, slots, label, ca: undefined, force: false, ...LOGGING });
  }
  const identity = loadIdentity(paths.identity);
  if (!identity) throw new Error(`${name} has no identity after it enrolled`);
  makePrivateDirectory(paths.root);
  takeLock(paths.lock);
  const log = logOf(member.index);
  const clock = systemClock;
  const agent = await Agent.open({
    ...{ identity, slots, paths, clock, log, policy: DEFAULT_POLICY, providers: [], random: Math.random },
    updates: { describe: () => ({ mode: "off", installs: false }), welcomed: () => {}, want: () => {} },
    dial: createDial({
      ...{ clock, log, time: new ServerTime(clock), transport: createTransport({ url }) },
      keys: KeyRing.open(paths, identity),
      counter: ConnectCounter.open(paths.connects),
    }),
  });
  agents.push(agent);
  return identity.agentId;
}

/** The agent's own log is what tells when its control socket comes and goes. */
function logOf(index: number): Log {
  const write = (text: string): void => {
    const { msg, path, retryInMs } = lineSchema.parse(JSON.parse(text));
    if (msg === "connected") tell({ type: "connected", index, at: Date.now() });
    if (path === AGENT_PATHS.control && retryInMs !== undefined)
      tell({ type: "lost", index, at: Date.now(), why: msg, retryInMs });
  };
  return createLog({ format: LOGGING.logFormat, level: LOGGING.logLevel, write });
}

function tell(report: FleetReport): void {
  process.send?.(report);
}
