/**
 * A model of the pool: slots, queue, offers, presence. What it knows is stored,
 * so it has nothing to lose; calls and sockets to it do get lost.
 */
import { COMMAND_RESEND_MS } from "#protocol/limits.ts";
import { chooseAgent } from "../../worker/pool/choose.ts";
import { ASK_MS } from "../../worker/pool/deadlines.ts";
import type { Agent } from "./agent.ts";
import type { LeaseName, StepName } from "./attempt.ts";
import type { Coordinator } from "./coordinator.ts";
import type { Socket, World } from "./world.ts";

const CHECK_MS = 5_000;

export interface Request extends LeaseName {
  readonly labels: Readonly<Record<string, string>>;
  /** Only this agent will do. */
  readonly agentId?: string;
  /** How long it stands in the queue at most, by the world's clock. */
  readonly until: number;
}

interface Row extends Request {
  readonly on: Agent;
  status: "offered" | "accepted" | "released";
  /** It was taken away before its coordinator was done with it. */
  revoked?: boolean;
  since: number;
}

export class Pool {
  readonly agents: Agent[] = [];
  coordinator: Coordinator | undefined;
  readonly #world: World;
  #queue: Request[] = [];
  readonly #rows = new Map<string, Row>();
  /** A request that comes again after its lease was over is no new one. */
  readonly #over = new Set<string>();
  #watching = false;
  readonly #present = new Map<Agent, Socket>();
  /** Until when an agent that declined is passed over. */
  readonly #avoid = new Map<Agent, number>();

  constructor(world: World) {
    this.#world = world;
  }

  get isIdle(): boolean {
    return this.#rows.size === 0 && this.#queue.length === 0;
  }

  matching(labels: Readonly<Record<string, string>>): { agentId: string; agentName: string }[] {
    return [...this.#present.keys()]
      .filter((agent) => Object.entries(labels).every(([name, value]) => agent.labels[name] === value))
      .map(({ id }) => ({ agentId: id, agentName: id }));
  }

  // --- What the coordinator asks ---

  request(request: Request, firstStep: StepName | undefined): void {
    const row = this.#rows.get(request.id);
    if (row) return this.#answer(request, row.on);
    if (this.#over.has(request.id)) return;
    if (this.#queue.some(({ id }) => id === request.id)) return this.#answer(request, undefined);
    const agent = this.#choose(request);
    if (agent) {
      this.#grant(request, agent);
      if (firstStep) this.#offer(agent, request, firstStep);
      else this.#offerQueued(request, agent);
    } else this.#queue.push(request);
    this.#answer(request, agent);
    this.#watch();
  }

  #answer({ fence }: Request, agent: Agent | undefined): void {
    this.#world.send(`pool: ${fence} is ${agent ? `offered to ${agent.id}` : "queued"}`, () =>
      agent
        ? this.coordinator?.decide({ type: "lease.granted", fence, agentId: agent.id, agentName: agent.id })
        : this.coordinator?.decide({ type: "lease.queued", fence, ahead: 0, reason: "all_busy" }),
    );
  }

  release({ id, fence }: LeaseName, reason: "finished" | "canceled" | "abandoned"): void {
    const queued = this.#queue.findIndex((each) => each.id === id);
    if (queued >= 0) this.#queue.splice(queued, 1);
    const row = this.#rows.get(id);
    if (!row) {
      this.#over.add(id);
      return;
    }
    if (row.fence !== fence) return;
    if (!this.#present.has(row.on)) return reason === "canceled" ? undefined : this.#free(row);
    row.status = "released";
    row.since = this.#world.now;
    if (reason === "finished") return;
    if (reason === "canceled") row.revoked = true;
    this.#revoke(row.on, row);
  }

  /** It is no longer to be trusted with what it has. */
  takeAll(agent: Agent): void {
    this.#world.note(() => `! the leases of ${agent.id} are taken away`);
    for (const row of [...this.#rows.values()].filter(({ on }) => on === agent)) {
      this.#revoke(agent, row);
      this.#free(row);
      this.#lost(row.fence);
    }
  }

  // --- What agents say ---

  hello(socket: Socket, agent: Agent, told: readonly LeaseName[]): void {
    if (socket.greeted) return;
    socket.greeted = true;
    this.#present.set(agent, socket);
    this.#world.send(`pool: welcome ${agent.id}`, () => agent.welcomed(socket), socket);
    for (const row of [...this.#rows.values()].filter(({ on }) => on === agent)) {
      const held = told.some(({ id }) => id === row.id);
      if (held && row.status === "released") this.#revoke(agent, row);
      else if (held) row.status = "accepted";
      else this.#forget(row);
    }
    for (const name of told) if (!this.#rows.has(name.id)) this.#revoke(agent, name);
    this.#serve();
  }

  /** The agent does not hold it: an offer that never arrived, or a lease that it has lost. */
  #forget(row: Row): void {
    this.#free(row);
    const { fence } = row;
    if (row.status === "offered") this.#failed(fence, "the offer did not reach the agent");
    else if (row.status === "accepted" || row.revoked) this.#lost(fence);
  }

  #failed(fence: number, reason: string): void {
    this.#world.send(`pool: ${fence} came to nothing`, () =>
      this.coordinator?.decide({ type: "lease.failed", fence, reason, retry: true }),
    );
  }

  #lost(fence: number): void {
    this.#world.send(`pool: ${fence} is lost`, () =>
      this.coordinator?.decide({
        type: "lease.lost",
        fence,
        reason: "its agent no longer has it",
        mayRun: false,
        isRevoked: false,
      }),
    );
  }

  accepted(agent: Agent, { id }: LeaseName): void {
    const row = this.#rows.get(id);
    if (!row || row.on !== agent) return this.#revoke(agent, { id, fence: 0 });
    if (row.status !== "offered") return;
    row.status = "accepted";
    row.since = this.#world.now;
  }

  declined(agent: Agent, { id, fence }: LeaseName): void {
    const row = this.#rows.get(id);
    if (row?.on !== agent) return;
    this.#avoid.set(agent, this.#world.now + CHECK_MS);
    this.#free(row);
    this.#failed(fence, "declined");
  }

  ended(agent: Agent, { id }: LeaseName): void {
    const row = this.#rows.get(id);
    if (row?.on !== agent) return;
    this.#free(row);
    if (row.status !== "released" || row.revoked) this.#lost(row.fence);
    this.#serve();
  }

  lost(socket: Socket): void {
    for (const [agent, present] of this.#present) if (present === socket) this.#present.delete(agent);
  }

  // --- Granting ---

  #choose(request: Request): Agent | undefined {
    const candidates = [...this.#present.keys()].map((agent) => ({
      ...{ agentId: agent.id, labels: agent.labels, slots: agent.slots, draining: false },
      avoidUntil: this.#avoid.get(agent) ?? 0,
      busy: [...this.#rows.values()].filter(({ on }) => on === agent).length + agent.otherBusy,
    }));
    const choice = chooseAgent(
      candidates,
      { labels: request.labels, wantedAgentId: request.agentId },
      this.#world.now,
    );
    return "agentId" in choice ? this.agents.find(({ id }) => id === choice.agentId) : undefined;
  }

  #grant(request: Request, on: Agent): void {
    this.#rows.set(request.id, { ...request, on, status: "offered", since: this.#world.now });
  }

  #free(row: Row): void {
    this.#rows.delete(row.id);
    this.#over.add(row.id);
  }

  #offer(agent: Agent, { id, fence }: LeaseName, firstStep: StepName | undefined): void {
    const label = `pool: offers ${fence} to ${agent.id}${firstStep ? ` with ${firstStep.step}` : ""}`;
    this.#world.send(label, () => agent.offered({ id, fence }, firstStep), this.#present.get(agent));
  }

  #revoke(agent: Agent, { id, fence }: LeaseName): void {
    const socket = this.#present.get(agent);
    if (!socket) return;
    this.#world.send(`pool: revokes ${fence} from ${agent.id}`, () => agent.revoked({ id, fence }), socket);
  }

  #serve(): void {
    for (const request of [...this.#queue]) {
      const agent = this.#choose(request);
      if (!agent) continue;
      this.#queue.splice(this.#queue.indexOf(request), 1);
      this.#grant(request, agent);
      this.#offerQueued(request, agent);
    }
  }

  /** Asks the coordinator what to offer: the request may no longer stand. */
  #offerQueued(request: Request, agent: Agent): void {
    const { id, fence } = request;
    this.#world.send(`pool: may ${agent.id} have ${fence}?`, () => {
      const payload = this.coordinator?.offerTo(request, agent.id);
      this.#world.send(`coordinator: ${payload ? "yes" : "no"} to ${fence}`, () => {
        const row = this.#rows.get(id);
        if (row?.status !== "offered") return;
        if (!payload) return this.coordinator?.wantsLease(row) ? undefined : this.#free(row);
        if (this.#present.has(agent)) this.#offer(agent, row, payload.firstStep);
      });
    });
  }

  /** Whether a lease that is out is still wanted: its end may have been lost on all ways. */
  #askAbout(row: Row): void {
    if (row.since > this.#world.now - ASK_MS) return;
    row.since = this.#world.now;
    this.#world.send(`pool: is ${row.fence} still wanted?`, () => {
      if (this.coordinator?.wantsLease(row) === false) this.release(row, "finished");
    });
  }

  #watch(): void {
    if (this.#watching || this.isIdle) return;
    this.#watching = true;
    this.#world.after(CHECK_MS, "", () => this.#check());
  }

  /** Says again what agents have not answered. */
  #check(): void {
    const before = this.#world.now - COMMAND_RESEND_MS;
    for (const row of [...this.#rows.values()]) {
      if (row.status === "accepted") {
        this.#askAbout(row);
        continue;
      }
      if (row.since > before) continue;
      row.since = this.#world.now;
      if (row.status === "released") {
        if (this.#present.has(row.on)) this.#revoke(row.on, row);
        else this.#forget(row);
      } else if (this.#present.has(row.on)) this.#offerQueued(row, row.on);
    }
    // A request that was given up may be forgotten to be taken back.
    this.#queue = this.#queue.filter(({ until }) => until > this.#world.now);
    this.#serve();
    this.#watching = false;
    this.#watch();
  }
}
