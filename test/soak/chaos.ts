/** Random trouble for a running system; everything it does it also undoes. */
import { setTimeout as wait } from "node:timers/promises";
import type { TestAgent } from "../harness/agent.ts";
import type { Frame, FrameProxy, Treatment } from "../harness/frameProxy.ts";
import type { World } from "../harness/system.ts";
import type { NetworkFaults, TcpProxy } from "../harness/tcpProxy.ts";
import type { Random } from "../simulation/random.ts";

/** A network of its own, and the agents that dial through it. */
export interface Site {
  tcp: TcpProxy;
  frames: FrameProxy;
  agents: TestAgent[];
}

const WEIGHTS = {
  "agent killed": 6,
  "agent stopped and started": 2,
  "agent frozen": 3,
  "connections reset": 5,
  "network down": 4,
  "black hole": 3,
  "slow network": 3,
  "frames mistreated": 5,
  "workerd killed": 1,
  "control plane restarted": 1,
} as const;
export type Trouble = keyof typeof WEIGHTS;

const TREATMENTS: readonly Treatment[] = ["drop", "repeat", "reorder", "corrupt", "cut"];

export class Chaos {
  /** How often each trouble was made. */
  readonly count: Partial<Record<Trouble, number>> = {};
  readonly #world: World;
  readonly #sites: readonly Site[];
  readonly #random: Random;
  /** Agents and networks that are in trouble already; one at a time each. */
  readonly #busy = new Set<object>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(world: World, sites: readonly Site[], random: Random) {
    this.#world = world;
    this.#sites = sites;
    this.#random = random;
  }

  /** Begins one trouble; it ends by itself. */
  strike(): void {
    const trouble = this.#random.weighted(WEIGHTS);
    const site = this.#random.pick(this.#sites);
    const agent = this.#random.pick(site.agents);
    const victim = trouble.startsWith("agent")
      ? agent
      : trouble.includes("control plane") || trouble.includes("workerd")
        ? this.#world
        : site;
    if (this.#busy.has(victim)) return;
    this.#busy.add(victim);
    this.count[trouble] = (this.count[trouble] ?? 0) + 1;
    const done = this.#make(trouble, site, agent).finally(() => {
      this.#busy.delete(victim);
      this.#underWay.delete(done);
    });
    this.#underWay.add(done);
  }

  /** Resolves when all trouble is over. */
  async calm(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #make(trouble: Trouble, site: Site, agent: TestAgent): Promise<void> {
    switch (trouble) {
      case "agent killed":
        await agent.kill();
        await this.#pause(0, 10);
        return agent.launch();
      case "agent stopped and started":
        await agent.stop();
        await this.#pause(0, 5);
        return agent.launch();
      case "agent frozen":
        agent.signal("SIGSTOP");
        await this.#pause(1, 50);
        return agent.signal("SIGCONT");
      case "connections reset":
        return site.tcp.reset();
      case "network down":
        site.tcp.cut();
        await this.#pause(1, 20);
        return site.tcp.heal();
      case "black hole":
        return this.#weather(site, { blackHole: true }, 50);
      case "slow network":
        return this.#weather(
          site,
          { latencyMs: 5 + this.#random.int(300), sliceBytes: 200 + this.#random.int(2_000) },
          20,
        );
      case "frames mistreated":
        return this.#mistreat(site);
      case "workerd killed":
        return this.#world.killRuntime();
      case "control plane restarted":
        return this.#world.restartControlPlane();
      default:
        return trouble satisfies never;
    }
  }

  async #weather(site: Site, faults: Partial<NetworkFaults>, longest: number): Promise<void> {
    site.tcp.set(faults);
    await this.#pause(1, longest);
    site.tcp.heal();
  }

  async #mistreat(site: Site): Promise<void> {
    const treat = this.#random.pick(TREATMENTS);
    // TCP and TLS keep what is not output from being changed; output has checksums of its own.
    const fits = (frame: Frame) => frame.binary || treat !== "corrupt";
    site.frames.add({ when: (frame) => fits(frame) && this.#random.chance(0.05), treat });
    await this.#pause(2, 15);
    site.frames.clear();
  }

  /** Between so many seconds. */
  #pause(least: number, most: number): Promise<void> {
    return wait(1_000 * (least + this.#random.next() * (most - least)));
  }
}
