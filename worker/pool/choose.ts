/** Which agent gets a lease: a pure decision over what the pool knows of its agents. */
import type { QueueReason } from "#protocol/states.ts";

export interface Candidate {
  agentId: string;
  labels: Readonly<Record<string, string>>;
  slots: number;
  busy: number;
  draining: boolean;
  /** Ms since the epoch until which it is passed over, after it declined. */
  avoidUntil: number;
}

export type Choice = { agentId: string } | { none: QueueReason };

/** The matching agent with the largest share of free slots; among equals the one with more of them. */
export function chooseAgent(
  candidates: readonly Candidate[],
  labels: Readonly<Record<string, string>>,
  now: number,
): Choice {
  if (candidates.length === 0) return { none: "no_agent_connected" };
  const matching = candidates.filter((agent) => !agent.draining && hasLabels(agent.labels, labels));
  if (matching.length === 0) return { none: "no_agent_matches" };
  const free = matching.filter((agent) => agent.busy < agent.slots && agent.avoidUntil <= now);
  const best = free.reduce<Candidate | undefined>(
    (one, other) => (one && load(one) <= load(other) ? one : other),
    undefined,
  );
  return best ? { agentId: best.agentId } : { none: "all_busy" };
}

function hasLabels(has: Readonly<Record<string, string>>, wants: Readonly<Record<string, string>>): boolean {
  return Object.entries(wants).every(([name, value]) => Object.hasOwn(has, name) && has[name] === value);
}

function load(agent: Candidate): number {
  return (agent.busy + 1) / agent.slots;
}
