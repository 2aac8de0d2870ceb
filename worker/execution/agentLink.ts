/**
 * The coordinator's end of agents' data sockets: greets them, takes their
 * reports and output, and answers. It decides nothing about the execution;
 * what agents report goes to the engine as inputs.
 */
import { STREAMS } from "#protocol/chunk.ts";
import {
  type AgentDataMessage,
  agentDataMessageSchema,
  type CoordinatorDataMessage,
  type StepFinished,
} from "#protocol/data.ts";
import { COMMAND_RESEND_MS, FRAME_MAX_BYTES, OUTPUT_DEFAULT_BYTES } from "#protocol/limits.ts";
import { CLOSE_CODES, parseFrame } from "#protocol/socket.ts";
import { isStepTerminal } from "#protocol/states.ts";
import { agreeOnVersion, PROTOCOL_VERSIONS } from "#protocol/version.ts";
import type { AgentIdentity } from "../pool/contract.ts";
import { isRecorded } from "./engine/engine.ts";
import type { EngineInput } from "./engine/inputs.ts";
import { keepsFolder } from "./engine/scopes.ts";
import { type EngineState, isLeaseOpen, type LeaseRecord, type StepRecord } from "./engine/state.ts";
import type { Completeness, OutputIntake } from "./intake.ts";
import { type AgentSocket, agentState, type Socket } from "./sockets.ts";
import type { ChunkRow, ExecutionStore, HeldOutput } from "./store.ts";

/** How long an agent that was let go may take to go. */
export const LET_GO_MS = 30_000;

/** How long a data socket may stay under which nothing runs: its agent comes again, and has to prove again who it is. */
export const IDLE_SOCKET_MS = 2 * 60_000;

const ALL_HERE: Completeness = { complete: true };

export interface AgentLinkDeps {
  store: ExecutionStore;
  intake: OutputIntake;
  /** The present state; it changes with every `decide`. */
  state(): EngineState;
  decide(input: EngineInput): void;
  publish(row: ChunkRow): void;
  sockets(): Iterable<Socket>;
  now(): number;
}

type Hello = Extract<AgentDataMessage, { type: "hello" }>;

export class AgentLink {
  readonly #deps: AgentLinkDeps;
  /** Results whose output is not all here yet. Lost on eviction: the agent repeats them. */
  readonly #pending = new Map<string, StepFinished>();
  /** The fence whose result is on its way into the log. */
  #recording: number | undefined;
  /** On which socket, from where and since when a stream is being asked for again, so that it is asked for once. */
  readonly #asked = new Map<string, { socketId: string; from: number; at: number }>();

  constructor(deps: AgentLinkDeps) {
    this.#deps = deps;
  }

  /** Whether an agent may connect: its assertion, which the worker has verified, counts once (HS2). */
  admits(identity: AgentIdentity | undefined): boolean {
    const { store, now } = this.#deps;
    return identity !== undefined && store.spendAssertion(identity, now());
  }

  connect(socket: Socket, { agentId, name }: AgentIdentity): void {
    socket.setState({ kind: "agent", agentId, name, connectedAt: this.#deps.now() });
  }

  /** Takes one frame. Anything that is not of the protocol ends the socket and changes nothing. */
  receive(socket: Socket, state: AgentSocket, frame: string | ArrayBuffer): void {
    // One that is being closed counts no longer, however long its agent takes to go.
    if (socket.readyState !== WebSocket.OPEN) return;
    if (typeof frame !== "string") {
      if (!state.lease) return refuse(socket, "output before hello");
      return this.#chunk(socket, frame);
    }
    const parsed = parseFrame(agentDataMessageSchema, frame, FRAME_MAX_BYTES);
    if (!parsed.ok) return refuse(socket, parsed.reason);
    const message = parsed.message;
    // A socket is greeted once: a repeat would tell how things were.
    if (message.type === "hello") return state.lease ? undefined : this.#hello(socket, state, message);
    if (!state.lease) return refuse(socket, `${message.type} before hello`);
    if ("fence" in message && message.fence !== state.lease.fence) return this.#foreignFence(socket, message);
    switch (message.type) {
      case "ack":
        return;
      case "step.started": {
        const { pid, time, ...attempt } = message;
        return this.#deps.decide({ ...attempt, pid, agentTime: time });
      }
      case "step.finished":
        return this.#finished(socket, message);
      default:
        message satisfies never;
    }
  }

  /** A socket is gone: if it was the current agent's, its step is out of reach (but may go on). */
  disconnected(socket: Socket, state: AgentSocket, reason: string): void {
    const lease = state.lease;
    if (!lease || this.#socketOf(lease.fence, socket)) return;
    this.#deps.decide({ type: "agent.disconnected", fence: lease.fence, reason });
  }

  /** Sends to the agent that holds this fence. False when it is not connected. */
  send(fence: number, message: CoordinatorDataMessage): boolean {
    const socket = this.#socketOf(fence);
    if (!socket) return false;
    socket.send(JSON.stringify(message));
    return true;
  }

  /** Lets the agent go, unless a result is being recorded: then that is answered first. */
  release(fence: number): void {
    const socket = this.#recording === fence ? undefined : this.#socketOf(fence);
    if (socket) this.#letGo(socket, fence);
  }

  #letGo(socket: Socket, fence: number): void {
    const agent = agentState(socket);
    if (!agent) return;
    if (agent.letGoAt === undefined) socket.setState({ ...agent, letGoAt: this.#deps.now() });
    const state = this.#deps.state();
    const lease = state.leases.get(fence);
    const keepFolder = lease !== undefined && keepsFolder(state, lease);
    reply(socket, { type: "lease.release", id: `release:${fence}`, ...(keepFolder && { keepFolder }) });
  }

  /** Says again to those who were let go that they may go (CM1), and ends the sockets of those who stay. */
  letGoAgain(): void {
    const now = this.#deps.now();
    for (const socket of this.#deps.sockets()) {
      const { lease, letGoAt, connectedAt = now } = agentState(socket) ?? {};
      const isOpen = lease && isLeaseOpen(this.#deps.state().leases.get(lease.fence));
      if (!isOpen && now - connectedAt >= IDLE_SOCKET_MS) {
        socket.close(CLOSE_CODES.leaseOver, "nothing runs under this lease; come again for what is left");
        continue;
      }
      if (!lease || letGoAt === undefined || now - letGoAt < COMMAND_RESEND_MS) continue;
      if (now - letGoAt < LET_GO_MS) this.#letGo(socket, lease.fence);
      else socket.close(CLOSE_CODES.leaseOver, "this lease is over");
    }
  }

  /** Ends the data socket of a fence for good. */
  end(fence: number, reason: string): void {
    this.#socketOf(fence)?.close(CLOSE_CODES.leaseOver, reason.slice(0, 120));
  }

  /** Ends every socket of an agent. */
  endAll(agentId: string, reason: string): void {
    for (const socket of this.#deps.sockets()) {
      if (agentState(socket)?.agentId === agentId) socket.close(CLOSE_CODES.revoked, reason.slice(0, 120));
    }
  }

  #socketOf(fence: number, except?: Socket): Socket | undefined {
    for (const socket of this.#deps.sockets()) {
      if (socket.id !== except?.id && agentState(socket)?.lease?.fence === fence) return socket;
    }
    return undefined;
  }

  #hello(socket: Socket, state: AgentSocket, hello: Hello): void {
    const version = agreeOnVersion(hello.protocol, PROTOCOL_VERSIONS);
    if (!version.agreed) {
      return socket.close(
        CLOSE_CODES.upgradeRequired,
        `no common protocol version: upgrade the ${version.upgrade}`,
      );
    }
    const lease = this.#leaseOf(state, hello);
    if (!lease) return socket.close(CLOSE_CODES.leaseOver, "this execution has no such lease for this agent");
    this.#socketOf(lease.fence, socket)?.close(CLOSE_CODES.replaced, "the agent opened a newer socket");
    if (lease.status === "requested") {
      // The offer overtook the pool's answer: the agent is the proof that it was made.
      const { agentId, name } = state;
      this.#deps.decide({ type: "lease.granted", fence: lease.fence, agentId, agentName: name });
    }
    const attempts = hello.attempts.map(({ step, attempt, fence }) => {
      const { stdout, stderr } = this.#heldOf(step, attempt);
      return {
        step,
        attempt,
        held: { stdout, stderr },
        recorded: isRecorded(this.#deps.state(), { step, attempt, fence }),
      };
    });
    const current = isLeaseOpen(this.#deps.state().leases.get(lease.fence));
    const unrecorded = attempts.filter((attempt) => !attempt.recorded).length;
    const claimed = { id: lease.id, fence: lease.fence };
    socket.setState({ ...state, lease: claimed, unrecorded: current ? 0 : unrecorded });
    reply(socket, { type: "welcome", protocol: version.version, current, attempts });
    if (current) this.#deps.decide({ type: "agent.connected", fence: lease.fence, attempts: hello.attempts });
    else if (unrecorded === 0) this.#letGo(socket, lease.fence);
  }

  /** Nothing is held, and nothing kept in mind, of an attempt that was never started. */
  #heldOf(step: string, attempt: number): Pick<HeldOutput, "stdout" | "stderr"> {
    const known = this.#deps.state().steps.get(step)?.attempt ?? 0;
    return attempt > known ? { stdout: 0, stderr: 0 } : this.#deps.intake.held(step, attempt);
  }

  /** The lease that the agent claims, if it was really given to this agent. */
  #leaseOf(state: AgentSocket, { lease: claimed }: Hello): LeaseRecord | undefined {
    const lease = this.#deps.state().leases.get(claimed.fence);
    if (lease?.id !== claimed.id || lease.status === "queued") return undefined;
    return lease.agentId === undefined || lease.agentId === state.agentId ? lease : undefined;
  }

  #foreignFence(socket: Socket, message: { type: string }): void {
    refuse(socket, `${message.type} under a fence that is not this socket's`);
  }

  #chunk(socket: Socket, frame: ArrayBuffer): void {
    const { intake, now } = this.#deps;
    const decoded = intake.decode(frame);
    if ("error" in decoded) return this.#askForAllAgain(socket);
    const { chunk, body } = decoded;
    const step = this.#deps.state().steps.get(chunk.step);
    if (!step || chunk.attempt < 1 || chunk.attempt > step.attempt) {
      return refuse(socket, `output of an attempt that was never started: ${chunk.step}`.slice(0, 120));
    }
    const { stream, attempt } = chunk;
    const counts = step.fence === agentState(socket)?.lease?.fence && step.attempt === attempt;
    if (!counts || step.outcome !== undefined) {
      // Of an older grant or attempt, or after the result: it may not touch what is stored (LS2, S5), and its sender is let off.
      const held = chunk.offset + chunk.payload.length;
      return reply(socket, { type: "output.ack", step: chunk.step, attempt, stream, held });
    }
    const before = intake.held(chunk.step, attempt);
    const isNew = chunk.offset >= before[stream];
    // The agent keeps to it (OT5).
    if (isNew && before.position + chunk.payload.length > outputLimitOf(step)) {
      return refuse(socket, `more output than the block keeps: ${chunk.step}`.slice(0, 120));
    }
    const reception = intake.accept(now(), chunk, body);
    const { held } = reception;
    if (reception.type === "gap") return this.#askAgain(socket, chunk.step, attempt, stream, held);
    if (reception.type === "stored") this.#deps.publish(reception.row);
    reply(socket, { type: "output.ack", step: chunk.step, attempt, stream, held });
    const pending = this.#pending.get(attemptKey({ step: step.path, attempt, fence: step.fence }));
    // Only what completes the stream can complete the result: else every later chunk would ask for the gap again.
    if (pending && held >= pending.streams[stream].bytes) this.#finished(socket, pending);
  }

  /** A frame that cannot be read may belong to any stream of what runs: each is asked for from where it stands. */
  #askForAllAgain(socket: Socket): void {
    const fence = agentState(socket)?.lease?.fence;
    for (const step of this.#deps.state().steps.values()) {
      if (step.fence !== fence || step.attempt === 0 || step.outcome !== undefined) continue;
      const held = this.#deps.intake.held(step.path, step.attempt);
      for (const stream of STREAMS) this.#askAgain(socket, step.path, step.attempt, stream, held[stream]);
    }
  }

  #askAgain(socket: Socket, step: string, attempt: number, stream: "stdout" | "stderr", from: number): void {
    const key = `${step}#${attempt} ${stream}`;
    const asked = this.#asked.get(key);
    const now = this.#deps.now();
    const pending = asked?.socketId === socket.id && asked.from === from;
    if (pending && now - asked.at < COMMAND_RESEND_MS) return;
    this.#asked.set(key, { socketId: socket.id, from, at: now });
    reply(socket, { type: "output.resend", step, attempt, stream, from });
  }

  #finished(socket: Socket, message: StepFinished): void {
    const { step, attempt, fence, streams } = message;
    const record = this.#deps.state().steps.get(step);
    if (!record || attempt > record.attempt)
      return refuse(socket, "result of an attempt that was never started");
    if (!isRecorded(this.#deps.state(), message)) {
      // Only a result that still counts is held against what is stored; a late one changes nothing of it.
      const counts = record.fence === fence && record.attempt === attempt && !isStepTerminal(record.state);
      const check = counts ? this.#deps.intake.check(step, attempt, streams) : ALL_HERE;
      if (!check.complete) {
        this.#pending.set(attemptKey(message), message);
        for (const { stream, from } of check.missing) this.#askAgain(socket, step, attempt, stream, from);
        return;
      }
      this.#recording = fence;
      try {
        const { time: _, ...result } = message;
        this.#deps.decide(result);
      } finally {
        this.#recording = undefined;
      }
    }
    this.#pending.delete(attemptKey(message));
    this.#deps.intake.done(step, attempt);
    if (isRecorded(this.#deps.state(), message)) this.#recorded(socket, message);
  }

  #recorded(socket: Socket, { step, attempt }: StepFinished): void {
    reply(socket, { type: "step.recorded", step, attempt });
    const state = agentState(socket);
    if (!state?.lease || isLeaseOpen(this.#deps.state().leases.get(state.lease.fence))) return;
    const unrecorded = Math.max(0, (state.unrecorded ?? 0) - 1);
    socket.setState({ ...state, unrecorded });
    if (unrecorded === 0) this.#letGo(socket, state.lease.fence);
  }
}

/** Bytes of both streams that a step's block keeps. */
function outputLimitOf({ block }: StepRecord): number {
  return ("outputLimitBytes" in block ? block.outputLimitBytes : undefined) ?? OUTPUT_DEFAULT_BYTES;
}

/** With the fence: an agent that has lost the step may report the same attempt. */
function attemptKey(of: { step: string; attempt: number; fence: number | undefined }): string {
  return `${of.step}#${of.attempt}#${of.fence}`;
}

function reply(socket: Socket, message: CoordinatorDataMessage): void {
  socket.send(JSON.stringify(message));
}

function refuse(socket: Socket, reason: string): void {
  socket.close(CLOSE_CODES.protocolError, reason.slice(0, 120));
}
