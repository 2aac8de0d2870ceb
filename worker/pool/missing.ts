/** Why a request for an agent finds none, in words. */
import { FACT_PREFIX } from "#protocol/blocks/common.ts";
import type { Candidate } from "./choose.ts";

type Labels = Readonly<Record<string, string>>;
type NamedCandidate = Pick<Candidate, "labels"> & { name: string };

/** How many agents are named, and how many labels of each. */
const AGENTS_MAX = 3;
const LABELS_MAX = 4;

/** Which labels no connected agent has, and which agents come nearest; for agents of which none matches. */
export function missingWords(agents: readonly NamedCandidate[], labels: Labels): string {
  const wanted = Object.entries(labels);
  const absent = wanted.filter(([key, value]) => !agents.some((agent) => agent.labels[key] === value));
  const what =
    absent.length > 0
      ? `${words(absent)} ${absent.length === 1 ? "is" : "are"} on no connected agent`
      : `no connected agent has ${words(wanted)} together`;
  const shared = (agent: NamedCandidate) =>
    wanted.filter(([key, value]) => agent.labels[key] === value).length;
  const nearest = agents.toSorted((one, other) => shared(other) - shared(one)).slice(0, AGENTS_MAX);
  if (nearest.length === 0) return what;
  const more = agents.length > nearest.length ? ` and ${agents.length - nearest.length} more` : "";
  return `${what}; connected: ${nearest.map((agent) => described(agent, labels)).join(", ")}${more}`;
}

/**
 * Which agents have the labels and take no new work. The pool does not know why
 * they drain: a person may have asked for it, or they wait to be updated.
 * @param names of at least one
 */
export function drainingWords(names: readonly string[], labels: Labels): string {
  const isOne = names.length === 1;
  const has =
    Object.keys(labels).length === 0 ? "" : isOne ? "has the labels, but " : "have the labels, but ";
  const whose = isOne ? "its host" : "a host";
  const which = isOne ? "it" : "its agent";
  return `${someOf(names)} ${has}${isOne ? "is" : "are"} draining; \`farhand-agent undrain\` on ${whose}, or the end of an update, has ${which} take work again`;
}

/** `a`, `a and b`, `a, b, c and 2 others`. */
function someOf(names: readonly string[]): string {
  const rest = names.length - AGENTS_MAX;
  const told = names.slice(0, AGENTS_MAX);
  if (rest > 0) told.push(`${rest} ${rest === 1 ? "other" : "others"}`);
  return [told.slice(0, -1).join(", "), ...told.slice(-1)].filter(Boolean).join(" and ");
}

/** What the agents say that could take it and do not. */
export function decliningWords(agents: readonly { name: string; declined: string }[]): string | undefined {
  const said = agents.slice(0, AGENTS_MAX).map(({ name, declined }) => `${name}: ${declined}`);
  if (agents.length > AGENTS_MAX) said.push(`${agents.length - AGENTS_MAX} more`);
  return said.length > 0 ? said.join("; ") : undefined;
}

/** An agent with its labels, those first that are asked about. */
function described({ name, labels }: NamedCandidate, asked: Labels): string {
  // What agents find out about their hosts says little that tells them apart.
  const all = Object.entries(labels).filter(([key]) => key in asked || !key.startsWith(FACT_PREFIX));
  const sorted = all.toSorted(([one], [other]) => Number(other in asked) - Number(one in asked));
  const rest = sorted.length > LABELS_MAX ? ", …" : "";
  return `${name} (${sorted.length === 0 ? "no labels" : words(sorted.slice(0, LABELS_MAX)) + rest})`;
}

function words(labels: readonly (readonly [string, string])[]): string {
  return labels.map(([key, value]) => `${key}=${value}`).join(", ");
}
