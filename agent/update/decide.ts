/** Whether an agent replaces itself, and when. Pure. */
import { isNewer } from "#protocol/update.ts";
import type { PolicyRules } from "../policy/schema.ts";
import { spanAt } from "./window.ts";

export type UpdateRules = PolicyRules["update"];

export interface UpdateFacts {
  rules: UpdateRules;
  /** The version that runs; `source` when it is no release. */
  current: string;
  /** What the control plane wants it to be. */
  wanted: string | undefined;
  /** When that was first heard, ms since the epoch. */
  heardAt: number;
  /** It runs from a folder in which an updater can replace it. */
  installs: boolean;
  /** Versions that were tried here and did not come up. */
  failed: readonly string[];
  /** This agent's place in the spread, from 0 up to 1. */
  share: number;
  /** Wall clock, ms since the epoch: windows are of the wall. */
  now: number;
}

export type UpdateDecision =
  | { type: "nothing"; why: "not_told" | "current" | "older" | "source" | "off" }
  /** There is a newer version, and somebody else has to see to it. */
  | { type: "notify"; why: "notify" | "pinned" | "failed" | "not_installed" }
  | { type: "wait"; why: "window" | "spread"; until: number }
  /** May be done now, and up to this time, ms since the epoch. */
  | { type: "do"; until: number };

export function decideUpdate(facts: UpdateFacts): UpdateDecision {
  const { rules, current, wanted, installs, failed, now } = facts;
  if (wanted === undefined) return { type: "nothing", why: "not_told" };
  if (current === "source") return { type: "nothing", why: "source" };
  if (wanted === current) return { type: "nothing", why: "current" };
  if (!isNewer(wanted, current)) return { type: "nothing", why: "older" };
  if (rules.mode === "off") return { type: "nothing", why: "off" };
  if (rules.pin !== undefined && rules.pin !== wanted) return { type: "notify", why: "pinned" };
  if (rules.mode === "notify") return { type: "notify", why: "notify" };
  if (failed.includes(wanted)) return { type: "notify", why: "failed" };
  if (!installs) return { type: "notify", why: "not_installed" };
  const span = rules.window === undefined ? undefined : spanAt(rules.window, now);
  if (span && now < span.opens) return { type: "wait", why: "window", until: span.opens };
  const closes = span?.closes ?? Number.POSITIVE_INFINITY;
  const since = Math.max(facts.heardAt, span?.opens ?? 0);
  // Half of what is left of a window at most: the other half is for doing it.
  const startAt = since + facts.share * Math.min(rules.spread, (closes - since) / 2);
  return now < startAt ? { type: "wait", why: "spread", until: startAt } : { type: "do", until: closes };
}

/** What a person is told of a decision. */
export function decisionWords(decision: UpdateDecision, wanted = "", pin = ""): string {
  switch (decision.type) {
    case "nothing":
      return NOTHING_WORDS[decision.why];
    case "notify":
      return `${wanted} is available, ${NOTIFY_WORDS[decision.why].replace("@", pin)}`;
    case "wait":
      return `${wanted} is installed after ${new Date(decision.until).toISOString()}`;
    case "do":
      return `${wanted} is being installed`;
    default:
      return decision satisfies never;
  }
}

/**
 * Rules as they are in force, for a person: an agent that cannot replace itself does less than they let it.
 * @param current its version; `source` when it is no release
 */
export function rulesWords(
  { mode, window, pin }: Pick<UpdateRules, "mode" | "window" | "pin">,
  current: string,
  installs: boolean,
): string {
  const pinned = pin ? `, pinned to ${pin}` : "";
  if (mode !== "off" && current === "source") {
    return `off: the policy says ${mode}, but ${NOTHING_WORDS.source}`;
  }
  if (mode === "auto" && !installs) return `notify${pinned}: the policy says auto, but ${NOT_INSTALLED}`;
  return `${mode}${window ? `, ${window}` : ""}${pinned}`;
}

const NOT_INSTALLED =
  "this agent was not installed by its installer: replace the container, the package or the file";

const NOTHING_WORDS = {
  not_told: "the control plane wants no other version",
  current: "this is the version that the control plane wants",
  older: "the control plane wants an older version, and no agent goes back",
  source: "this agent runs from source, which is no release",
  off: "the policy of this host says off",
} as const;

const NOTIFY_WORDS = {
  notify: "and the policy of this host says that a person installs it",
  pinned: "and the policy of this host pins @",
  failed: "was tried here and did not come up; farhand-agent update --now tries it again",
  not_installed: `and ${NOT_INSTALLED}`,
} as const;
