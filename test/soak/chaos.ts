/** Carries out a schedule of trouble on a running system; everything it does it also undoes. */
import { setTimeout as wait } from "node:timers/promises";
import { execa } from "execa";
import { AGENT_FILE } from "../../scripts/lib/paths.ts";
import type { TestAgent } from "../harness/agent.ts";
import type { Frame, FrameProxy, Treatment } from "../harness/frameProxy.ts";
import type { World } from "../harness/system.ts";
import type { NetworkFaults, TcpProxy } from "../harness/tcpProxy.ts";
import { Random } from "../simulation/random.ts";
import type { SoakHost } from "./host.ts";
import { type Strike, type Trouble, victimOf } from "./schedule.ts";

/** An agent, and the host around it. */
export interface Member {
  agent: TestAgent;
  host: SoakHost;
}

/** A network of its own, and the agents that dial through it. */
export interface Site {
  tcp: TcpProxy;
  frames: FrameProxy;
  members: Member[];
}

const TREATMENTS: readonly Treatment[] = ["drop", "repeat", "reorder", "corrupt", "cut"];
/** An agent ends what runs, reports and stops well within this. */
const STOP_MS = 60_000;
const COMMAND_MS = 60_000;

export class Chaos {
  /** How often each trouble was made. */
  readonly count: Partial<Record<Trouble, number>> = {};
  /** What could not be made or undone, in words. */
  readonly problems: string[] = [];
  readonly #world: World;
  readonly #sites: readonly Site[];
  readonly #signal: AbortSignal;
  /** The last trouble of each victim; the next begins after it. */
  readonly #last = new Map<string, Promise<void>>();

  /** @param signal ends pauses, and has nothing be started any more */
  constructor(world: World, sites: readonly Site[], signal: AbortSignal) {
    this.#world = world;
    this.#sites = sites;
    this.#signal = signal;
  }

  /** Begins each trouble in its time, from now on. Resolves when all of it is over, or the signal asks for the end. */
  async run(schedule: readonly Strike[]): Promise<void> {
    const began = performance.now();
    for (const strike of schedule) {
      const early = began + strike.atMs - performance.now();
      if (early > 0) await this.#pause(early).catch(() => {});
      if (this.#signal.aborted) break;
      this.#begin(strike);
    }
    await this.calm();
  }

  /** Resolves when all trouble that has begun is over. */
  async calm(): Promise<void> {
    await Promise.all(this.#last.values());
  }

  #begin(strike: Strike): void {
    const victim = victimOf(strike);
    const { trouble } = strike;
    const make = async () => {
      this.count[trouble] = (this.count[trouble] ?? 0) + 1;
      await this.#make(strike).catch((error) => {
        if (!this.#signal.aborted) this.problems.push(`${trouble} (${victim}): ${error}`);
      });
    };
    this.#last.set(victim, (this.#last.get(victim) ?? Promise.resolve()).then(make));
  }

  async #make(strike: Strike): Promise<void> {
    const { trouble, lengthMs } = strike;
    const random = new Random(strike.seed);
    const { site, member } = this.#met(strike);
    const { agent, host } = member;
    switch (trouble) {
      case "agent killed":
        await agent.kill();
        await this.#pause(lengthMs);
        return this.#launch(member);
      case "agent stopped and started":
        await stopInTime(agent);
        await this.#pause(lengthMs);
        return this.#launch(member);
      case "agent drained and restarted":
        await this.#command(agent, "drain");
        await this.#pause(lengthMs);
        await stopInTime(agent);
        this.#launch(member);
        return this.#command(agent, "undrain");
      case "agent frozen":
        agent.signal("SIGSTOP");
        await this.#pause(lengthMs).finally(() => agent.signal("SIGCONT"));
        return;
      case "key rotated":
        // Without a way to the control plane it says so, and is as it was.
        return this.#command(agent, "rotate-key").catch(() => {});
      case "policy changed":
        host.changePolicy();
        if (random.chance(0.5)) return agent.signal("SIGHUP");
        await agent.kill();
        await this.#pause(lengthMs);
        return this.#launch(member);
      case "secret rotated":
        return host.rotateSecret();
      case "connections reset":
        return site.tcp.reset();
      case "network down":
        site.tcp.cut();
        await this.#pause(lengthMs);
        return site.tcp.heal();
      case "black hole":
        return this.#weather(site, { blackHole: true }, lengthMs);
      case "one-way partition":
        return this.#weather(site, { blackHole: random.pick(["up", "down"]) }, lengthMs);
      case "slow network":
        return this.#weather(
          site,
          { latencyMs: 5 + random.int(300), sliceBytes: 200 + random.int(2_000) },
          lengthMs,
        );
      case "frames mistreated":
        return this.#mistreat(site, random, lengthMs);
      case "workerd killed":
        return this.#world.killRuntime();
      case "control plane restarted":
        return this.#world.restartControlPlane();
      default:
        return trouble satisfies never;
    }
  }

  #met({ site: number, agent }: Strike): { site: Site; member: Member } {
    const site = this.#sites[number];
    const member = site?.members[agent];
    if (!site || !member) throw new Error(`there is no agent ${agent} at site ${number}`);
    return { site, member };
  }

  async #weather(site: Site, faults: Partial<NetworkFaults>, lengthMs: number): Promise<void> {
    site.tcp.set(faults);
    await this.#pause(lengthMs);
    site.tcp.heal();
  }

  async #mistreat(site: Site, random: Random, lengthMs: number): Promise<void> {
    const treat = random.pick(TREATMENTS);
    // TCP and TLS keep what is not output from being changed; output has checksums of its own.
    const fits = (frame: Frame) => frame.binary || treat !== "corrupt";
    site.frames.add({ when: (frame) => fits(frame) && random.chance(0.05), treat });
    await this.#pause(lengthMs);
    site.frames.clear();
  }

  #launch({ agent, host }: Member): void {
    this.#signal.throwIfAborted();
    agent.launch(host.environment());
  }

  /** What a person does on the host. @throws when the command says that it did not work */
  async #command(agent: TestAgent, command: "drain" | "undrain" | "rotate-key"): Promise<void> {
    const args = [AGENT_FILE, command, "--state", agent.stateDir];
    await execa(process.execPath, args, { timeout: COMMAND_MS, cancelSignal: this.#signal });
  }

  async #pause(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.#signal });
  }
}

/** @throws when it does not end in time */
export async function stopInTime(agent: TestAgent): Promise<void> {
  const late = wait(STOP_MS, undefined, { ref: false }).then(() => {
    throw new Error(`it did not stop within ${STOP_MS / 1_000} s`);
  });
  await Promise.race([agent.stop(), late]);
}
