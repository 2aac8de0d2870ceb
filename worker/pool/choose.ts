/** Which agent gets a lease: a pure decision over what the pool knows of its agents. */
import { KNOWN_INTERPRETERS } from "#protocol/interpreters.ts";
import type { QueueReason } from "#protocol/states.ts";

export interface Candidate {
  agentId: string;
  labels: Readonly<Record<string, string>>;
  slots: number;
  busy: number;
  draining: boolean;
  /** Ms since the epoch until which it is passed over, after it declined. */
  avoidUntil: number;
  /** Which of `KNOWN_INTERPRETERS` it has; absent when it does not tell. */
  interpreters?: readonly string[] | undefined;
}

/** What a request asks of an agent. */
export interface Wish {
  labels: Readonly<Record<string, string>>;
  /** Only this agent will do: its labels may have changed since. */
  wantedAgentId?: string | undefined;
}

export type Choice = { agentId: string } | { none: QueueReason };

/** For how long after it was passed over an agent that declined comes after the others. */
const LATELY_MS = 10 * 60_000;

/**
 * The matching agent with the largest share of free slots. Those that declined
 * lately come after all others, and among them the one that was passed over
 * last comes last: else the emptiest would be asked over and over, and those
 * behind it never.
 */
export function chooseAgent(candidates: readonly Candidate[], wish: Wish, now: number): Choice {
  const eligible =
    wish.wantedAgentId === undefined
      ? candidates
      : candidates.filter(({ agentId }) => agentId === wish.wantedAgentId);
  if (eligible.length === 0) return { none: "no_agent_connected" };
  const labels = wish.wantedAgentId === undefined ? wish.labels : {};
  const matching = matchingAgents(eligible, labels);
  if (matching.length === 0) {
    return { none: drainingAgents(eligible, labels).length > 0 ? "agents_drain" : "no_agent_matches" };
  }
  const free = matching.filter((agent) => isFree(agent, now));
  const best = free.reduce<Candidate | undefined>(
    (one, other) => (one && compare(one, other, now) <= 0 ? one : other),
    undefined,
  );
  if (best) return { agentId: best.agentId };
  return { none: matching.some(({ busy, slots }) => busy < slots) ? "agents_decline" : "all_busy" };
}

/** The connected agents that have these labels and take work, whether or not they are busy. */
export function matchingAgents(
  candidates: readonly Candidate[],
  labels: Readonly<Record<string, string>>,
): Candidate[] {
  return candidates.filter((agent) => !agent.draining && hasLabels(agent.labels, labels));
}

/** The connected agents that have these labels and take no new work. */
export function drainingAgents(
  candidates: readonly Candidate[],
  labels: Readonly<Record<string, string>>,
): Candidate[] {
  return candidates.filter((agent) => agent.draining && hasLabels(agent.labels, labels));
}

/**
 * How many of these agents lack each of these things; nothing for those that all have.
 * @param has the names of all that an agent has; undefined when it does not tell
 */
export function lackingOf<Agent>(
  agents: readonly Agent[],
  wanted: readonly string[],
  has: (agent: Agent) => readonly string[] | undefined,
): Record<string, number> {
  const counts = wanted.map((name) => {
    const without = agents.filter((agent) => has(agent)?.includes(name) === false);
    return [name, without.length] as const;
  });
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/** Who of a queue gets the slots that are free: first come, first served among those an agent fits. */
export function assign<Row extends Wish>(
  queue: readonly Row[],
  candidates: readonly Candidate[],
  now: number,
): { row: Row; agentId: string }[] {
  const agents = candidates.map((agent) => ({ ...agent }));
  const grants: { row: Row; agentId: string }[] = [];
  for (const row of queue) {
    if (!agents.some((agent) => isFree(agent, now))) break;
    const choice = chooseAgent(agents, row, now);
    const agent = "agentId" in choice && agents.find(({ agentId }) => agentId === choice.agentId);
    if (!agent) continue;
    agent.busy++;
    grants.push({ row, agentId: agent.agentId });
  }
  return grants;
}

/** Those of these programs of which agents tell whether they have them. */
export function toldInterpreters(interpreters: readonly string[]): string[] {
  return interpreters.filter((name) => KNOWN_INTERPRETERS.includes(name));
}

function isFree(agent: Candidate, now: number): boolean {
  return !agent.draining && agent.busy < agent.slots && agent.avoidUntil <= now;
}

function hasLabels(has: Readonly<Record<string, string>>, wants: Readonly<Record<string, string>>): boolean {
  return Object.entries(wants).every(([name, value]) => Object.hasOwn(has, name) && has[name] === value);
}

/** Below 0 for who comes first. */
function compare(one: Candidate, other: Candidate, now: number): number {
  const passedOver = ({ avoidUntil }: Candidate) => (avoidUntil > now - LATELY_MS ? avoidUntil : 0);
  return passedOver(one) - passedOver(other) || load(one) - load(other);
}

function load(agent: Candidate): number {
  return (agent.busy + 1) / agent.slots;
}
