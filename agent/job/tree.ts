/**
 * All processes of one attempt, however far they ran: children of children,
 * what left the group with `setsid`, what was adopted by init. A process is
 * only ever ours by proof: its cgroup, its start time, its line of parents, its
 * group, the marker in its environment, or that it prints to our pipes. A reused
 * pid is a stranger and never signaled.
 */
import type { Cgroup } from "./cgroup.ts";
import { BATCH, othersTurn, type ProcessInfo, type ProcessTable } from "./processes.ts";
import type { ProcessId } from "./records.ts";

/** The variable that marks every process of an attempt. */
export const MARKER_VARIABLE = "FARHAND_ATTEMPT_ID";

export interface TreeOptions {
  /** The process that was spawned, leader of its own session; unknown when the agent died too early to note it. */
  root: ProcessId | undefined;
  marker: string;
  /** Names of the pipes that it prints to, while they are known. */
  pipes: readonly string[];
  table: ProcessTable;
  /** Spawned by this very agent, and watched since: then nobody else can have got its number yet. */
  watched: boolean;
  /** The cgroup that it was started in: whoever is there is ours, whatever else it did. */
  cgroup?: Cgroup | undefined;
}

export class ProcessTree {
  readonly #options: TreeOptions;
  /** Every process that was ever seen to be ours: pid to start time. */
  readonly #known = new Map<number, number>();
  /** The group's number cannot have been reused: it has had a member of ours all along. */
  #groupHeld: boolean;

  constructor(options: TreeOptions) {
    this.#options = options;
    this.#groupHeld = options.watched;
    if (options.root) this.#known.set(options.root.pid, options.root.startTime);
  }

  /** The living processes of the attempt. */
  async members(): Promise<ProcessInfo[]> {
    const { root, marker, pipes, table, cgroup } = this.#options;
    const all = await table.list();
    const grouped = new Set(cgroup?.members());
    const marked = ({ pid, startTime }: ProcessInfo) =>
      grouped.has(pid) ||
      ((!root || startTime >= root.startTime) &&
        (table.environmentHas(pid, `${MARKER_VARIABLE}=${marker}\0`) || table.printsTo(pid, pipes)));
    const held = this.#groupHeld ? root?.pid : undefined;
    const members = findMembers(all, this.#known, held, marked);
    for (const { pid, startTime } of members) this.#known.set(pid, startTime);
    if (!members.some((info) => info.group === held || info.session === held)) this.#groupHeld = false;
    return members.filter((info) => !info.zombie);
  }

  /**
   * Learns who belongs to the attempt by asking everybody known for children:
   * costs by the size of the attempt's own tree, not by that of the host.
   * Whoever was seen once is known for good, whatever it does to hide.
   * @returns those that live
   */
  async look(): Promise<ProcessInfo[]> {
    const { table } = this.#options;
    const known = this.#known;
    const dead: [number, number][] = [];
    const numbersInUse = new Set<number>();
    const living: ProcessInfo[] = [];
    for (const pid of this.#options.cgroup?.members() ?? []) {
      const info = table.find(pid);
      if (info) known.set(pid, info.startTime);
    }
    let looked = 0;
    // The loop also comes to what is added meanwhile.
    for (const [pid, startTime] of known) {
      if (++looked % BATCH === 0) await othersTurn();
      const info = table.find(pid);
      if (info?.startTime !== startTime) {
        dead.push([pid, startTime]);
        continue;
      }
      if (!info.zombie) living.push(info);
      numbersInUse.add(info.group).add(info.session);
      const children = table.children(pid);
      if (!children) return this.members();
      for (const child of children) {
        const found = table.find(child);
        if (found?.parent !== pid || known.get(child) === found.startTime) continue;
        known.delete(child);
        known.set(child, found.startTime);
      }
    }
    // The dead are of use only as founders of a group or session that still has members.
    for (const [pid, startTime] of dead) {
      if (!numbersInUse.has(pid) && known.get(pid) === startTime) known.delete(pid);
    }
    return living;
  }

  /** The living processes that are still in the group of the spawned one. Cheap when there are none. */
  async group(): Promise<ProcessInfo[]> {
    const { root, table } = this.#options;
    if (!root || !this.#groupHeld || !table.groupExists(root.pid)) return [];
    return (await this.members()).filter((info) => info.group === root.pid);
  }

  /** Kills these, and at once everybody who is in the cgroup. */
  kill(processes: readonly ProcessInfo[]): void {
    this.#options.cgroup?.kill();
    this.signal(processes, "SIGKILL");
  }

  /** Signals those of `processes` that are still what they were; wakes stopped ones so that they notice. */
  signal(processes: readonly ProcessInfo[], signal: NodeJS.Signals): void {
    const { table } = this.#options;
    for (const { pid, startTime } of processes) {
      const now = table.find(pid);
      if (now?.startTime !== startTime || now.zombie) continue;
      table.signal(pid, signal);
      if (now.stopped) table.signal(pid, "SIGCONT");
    }
  }
}

/**
 * Who belongs to the attempt: known processes that are still themselves, what
 * is marked as ours, and everything below, or in the group or session of, one
 * that does. Pure.
 * @param heldGroup a group and session whose number is known to be ours still
 */
export function findMembers(
  all: readonly ProcessInfo[],
  known: ReadonlyMap<number, number>,
  heldGroup: number | undefined,
  marked: (info: ProcessInfo) => boolean,
): ProcessInfo[] {
  const members = new Map<number, ProcessInfo>();
  const groups = new Set<number>();
  if (heldGroup !== undefined) groups.add(heldGroup);
  const add = (info: ProcessInfo): void => {
    members.set(info.pid, info);
    // A number stays taken while its group or session has a member: with one of ours
    // in it, and one of ours as its founder, everybody in it is ours.
    for (const number of [info.group, info.session]) {
      if (number === info.pid || known.has(number) || members.has(number)) groups.add(number);
    }
  };
  for (const info of all) {
    if (known.get(info.pid) === info.startTime || marked(info)) add(info);
  }
  for (let before = -1; before !== members.size; ) {
    before = members.size;
    for (const info of all) {
      if (members.has(info.pid)) continue;
      if (members.has(info.parent) || groups.has(info.group) || groups.has(info.session)) add(info);
    }
  }
  return Array.from(members.values());
}
