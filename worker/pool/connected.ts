/** The agents that are connected now, by what their control sockets remember of them. */
import type { Connection } from "partyserver";
import type { Presence } from "#protocol/api/pools.ts";
import type { PoolControlMessage } from "#protocol/control.ts";
import { CLOSE_CODES } from "#protocol/socket.ts";
import type { Candidate } from "./choose.ts";
import type { GrantedAgent } from "./contract.ts";
import { type AgentSocket, candidateOf, presenceOf } from "./presence.ts";

export type Socket = Connection<AgentSocket>;

export interface ConnectedDeps {
  /** Open sockets; only an agent's own when it is named, without a look at all the others. */
  sockets(agentId?: string): Iterable<Socket>;
  /** Slots of an agent that are taken. */
  busy(agentId: string): number;
  /** The version that agents should have. */
  wantedVersion(): string | undefined;
}

export class Connected {
  readonly #deps: ConnectedDeps;

  constructor(deps: ConnectedDeps) {
    this.#deps = deps;
  }

  /** The socket of an agent that has said hello. */
  socketOf(agentId: string): Socket | undefined {
    return this.allOf(agentId).find(({ state }) => state?.hello);
  }

  /** Every open socket of an agent, whatever it has said. */
  allOf(agentId: string): Socket[] {
    return Array.from(this.#deps.sockets(agentId));
  }

  nameOf(agentId: string): string {
    return this.socketOf(agentId)?.state?.name ?? agentId;
  }

  /** The agent as a grant names it, with what steps may ask about it. */
  describe(agentId: string): GrantedAgent {
    const state = this.socketOf(agentId)?.state;
    const labels = (state && candidateOf(state, 0)?.labels) ?? {};
    return { agentId, agentName: state?.name ?? agentId, labels: { ...labels } };
  }

  /** All to choose from, or the one that is wanted. */
  candidates(wantedAgentId?: string): Candidate[] {
    const busy = (agentId: string) => this.#deps.busy(agentId);
    return this.#each((state) => candidateOf(state, busy(state.agentId)), wantedAgentId);
  }

  /** The same with what people call them. */
  named(): (Candidate & { name: string })[] {
    return this.candidates().map((agent) => ({ ...agent, name: this.nameOf(agent.agentId) }));
  }

  /** Those of them that are passed over now, because they declined. */
  declining(agentIds: readonly string[], now: number): { name: string; declined: string }[] {
    return agentIds.flatMap((agentId) => {
      const state = this.socketOf(agentId)?.state;
      return state?.declined !== undefined && state.avoidUntil > now
        ? { name: state.name, declined: state.declined }
        : [];
    });
  }

  presence(): Record<string, Presence> {
    const entries = this.#each((state) => {
      const presence = this.#presenceOf(state);
      return presence && ([state.agentId, presence] as const);
    });
    return Object.fromEntries(entries);
  }

  presenceOf(agentId: string): Presence | undefined {
    const state = this.socketOf(agentId)?.state;
    return state ? this.#presenceOf(state) : undefined;
  }

  /** The agents that can be told which version they should have. */
  updatable(): Socket[] {
    return Array.from(this.#deps.sockets()).filter((socket) => socket.state?.hello?.update);
  }

  #presenceOf(state: AgentSocket): Presence | undefined {
    return presenceOf(state, this.#deps.busy(state.agentId), this.#deps.wantedVersion());
  }

  #each<T>(map: (state: AgentSocket) => T | undefined, agentId?: string): T[] {
    const all: T[] = [];
    for (const { state } of this.#deps.sockets(agentId)) {
      const value = state ? map(state) : undefined;
      if (value !== undefined) all.push(value);
    }
    return all;
  }
}

export function send(socket: Socket, message: PoolControlMessage): void {
  socket.send(JSON.stringify(message));
}

export function refuse(socket: Socket, reason: string): void {
  socket.close(CLOSE_CODES.protocolError, reason.slice(0, 120));
}
