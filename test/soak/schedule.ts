/** Which trouble comes when, to whom and for how long: all of it drawn beforehand, from the seed alone. */
import { Random } from "../simulation/random.ts";

/** How often each comes, whom it meets, and how many seconds it lasts: at least and at most. */
const TROUBLES = {
  "agent killed": { share: 6, victim: "agent", seconds: [0, 10] },
  "agent stopped and started": { share: 2, victim: "agent", seconds: [0, 5] },
  "agent drained and restarted": { share: 2, victim: "agent", seconds: [1, 15] },
  "agent frozen": { share: 3, victim: "agent", seconds: [1, 50] },
  "key rotated": { share: 2, victim: "agent", seconds: [0, 0] },
  "policy changed": { share: 2, victim: "agent", seconds: [0, 3] },
  "secret rotated": { share: 3, victim: "agent", seconds: [0, 0] },
  "connections reset": { share: 5, victim: "network", seconds: [0, 0] },
  "network down": { share: 4, victim: "network", seconds: [1, 20] },
  "black hole": { share: 3, victim: "network", seconds: [1, 50] },
  "one-way partition": { share: 3, victim: "network", seconds: [1, 50] },
  "slow network": { share: 3, victim: "network", seconds: [1, 20] },
  "frames mistreated": { share: 5, victim: "network", seconds: [2, 15] },
  "workerd killed": { share: 1, victim: "control plane", seconds: [0, 0] },
  "control plane restarted": { share: 1, victim: "control plane", seconds: [0, 0] },
} as const;

export type Trouble = keyof typeof TROUBLES;

export interface Strike {
  trouble: Trouble;
  /** Since the beginning. */
  atMs: number;
  lengthMs: number;
  /** The network, or the one that the agent is in, by number. */
  site: number;
  /** By its number in its site. */
  agent: number;
  /** Decides what else there is to choose. */
  seed: number;
}

const STRIKE_EVERY_MS = 1_000;
/** What it takes to begin a trouble and to come out of it, beyond its length. */
const MARGIN_MS = 5_000;
const LOTS = (Object.keys(TROUBLES) as Trouble[]).flatMap((name) =>
  new Array<Trouble>(TROUBLES[name].share).fill(name),
);

/** @param sites how many agents are in each. Nobody is in two troubles at once, in the order of their times. */
export function scheduleOf(seed: number, minutes: number, sites: readonly number[]): Strike[] {
  const random = new Random(seed);
  const freeAt = new Map<string, number>();
  const strikes: Strike[] = [];
  for (let atMs = 0; atMs < minutes * 60_000; atMs += STRIKE_EVERY_MS) {
    const trouble = random.pick(LOTS);
    const site = random.int(sites.length);
    const [least, most] = TROUBLES[trouble].seconds;
    const lengthMs = Math.round(1_000 * (least + random.next() * (most - least)));
    const strike = {
      trouble,
      atMs,
      lengthMs,
      site,
      agent: random.int(sites[site] ?? 1),
      seed: random.int(2 ** 31),
    };
    const victim = victimOf(strike);
    if ((freeAt.get(victim) ?? 0) > atMs) continue;
    freeAt.set(victim, atMs + lengthMs + MARGIN_MS);
    strikes.push(strike);
  }
  return strikes;
}

/** The name of what a strike meets. */
export function victimOf({ trouble, site, agent }: Strike): string {
  const { victim } = TROUBLES[trouble];
  switch (victim) {
    case "agent":
      return `agent ${agent} of site ${site}`;
    case "network":
      return `network ${site}`;
    case "control plane":
      return victim;
    default:
      return victim satisfies never;
  }
}
