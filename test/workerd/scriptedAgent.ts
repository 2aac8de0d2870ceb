/**
 * An agent whose every word the test chooses, on real sockets to the real pool
 * and coordinator. It stands where the worker has already verified who calls.
 */
import { env } from "cloudflare:workers";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Block, CommandBlock } from "#protocol/blocks/index.ts";
import { encodeChunk, type Stream } from "#protocol/chunk.ts";
import type { LeaseOffer } from "#protocol/control.ts";
import type { AttemptOutcome } from "#protocol/data.ts";
import { newId } from "#protocol/ids.ts";
import { HEARTBEAT_PONG } from "#protocol/limits.ts";
import { type Plan, planDigest } from "#protocol/plan.ts";
import type { Lease } from "#protocol/socket.ts";
import { PROTOCOL_VERSIONS } from "#protocol/version.ts";
import {
  type CoordinatorApi,
  type CreateExecution,
  coordinatorName,
} from "../../worker/execution/contract.ts";
import type { ExecutionCoordinator } from "../../worker/execution/ExecutionCoordinator.ts";
import { AGENT_HEADER, poolObjectName } from "../../worker/pool/contract.ts";

export type Message = { type: string } & Record<string, unknown>;

/** One WebSocket with its frames in order, to be waited for. */
export class Line {
  readonly frames: (Message | ArrayBuffer)[] = [];
  pongs = 0;
  closed: { code: number; reason: string } | undefined;
  readonly socket: WebSocket;
  readonly #waiting = new Set<() => void>();

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.accept();
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      if (data === HEARTBEAT_PONG) this.pongs++;
      else this.frames.push(typeof data === "string" ? (JSON.parse(data) as Message) : (data as ArrayBuffer));
      this.#wake();
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.closed = { code, reason };
      this.#wake();
    });
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  send(message: Message | Uint8Array | string): void {
    this.socket.send(
      message instanceof Uint8Array || typeof message === "string" ? message : JSON.stringify(message),
    );
  }

  /** Resolves as soon as the condition holds; the test's own time limit is the only clock. */
  async until<T>(condition: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = condition();
      if (value !== undefined && value !== false) return value;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  messages(type?: string): Message[] {
    return this.frames.filter(
      (frame): frame is Message => !(frame instanceof ArrayBuffer) && (!type || frame.type === type),
    );
  }

  /** The n-th message of a type, counted from 1. */
  next(type: string, n = 1): Promise<Message> {
    return this.until(() => this.messages(type)[n - 1]);
  }

  end(): Promise<{ code: number; reason: string }> {
    return this.until(() => this.closed);
  }
}

export interface Place {
  organizationId: string;
  poolId: string;
  agentId: string;
  name?: string;
  /** How often it has tried to connect (HS5); absent for an agent that does not count. */
  counter?: number;
}

export function newPlace(): Place {
  return { organizationId: newId("organization"), poolId: newId("pool"), agentId: newId("agent") };
}

function identity(place: Place, jti: string): HeadersInit {
  const { agentId, organizationId, poolId, name = "scripted", counter } = place;
  const who = {
    agentId,
    name,
    organizationId,
    poolId,
    labels: {},
    jti,
    jtiExpiresAt: Date.now() + 60_000,
    counter,
    issuedAt: Math.floor(Date.now() / 1000),
  };
  return { upgrade: "websocket", [AGENT_HEADER]: JSON.stringify(who) };
}

export function poolOf(place: Place) {
  return env.AGENT_POOL.getByName(poolObjectName(place.organizationId, place.poolId));
}

/** What tests ask of a coordinator. The type of a real stub unrolls blocks that hold blocks without end. */
export type CoordinatorStub = DurableObjectStub<undefined> &
  CoordinatorApi &
  Pick<ExecutionCoordinator, "offerTo" | "leaseFailed" | "leaseLost" | "sweep">;

export function coordinatorOf(place: Place, executionId: string): CoordinatorStub {
  const coordinators: { getByName(name: string): unknown } = env.EXECUTION_COORDINATOR;
  return coordinators.getByName(coordinatorName(place.organizationId, executionId)) as CoordinatorStub;
}

export async function openControl(place: Place, jti: string = crypto.randomUUID()): Promise<Line> {
  const answer = await poolOf(place).fetch("https://object/control", { headers: identity(place, jti) });
  if (!answer.webSocket) throw new Error(`no socket: ${answer.status}`);
  return new Line(answer.webSocket);
}

export async function openData(
  place: Place,
  executionId: string,
  jti: string = crypto.randomUUID(),
): Promise<Line> {
  const answer = await coordinatorOf(place, executionId).fetch("https://object/agent", {
    headers: identity(place, jti),
  });
  if (!answer.webSocket) throw new Error(`no socket: ${answer.status}`);
  return new Line(answer.webSocket);
}

export async function openViewer(place: Place, executionId: string): Promise<Line> {
  const answer = await coordinatorOf(place, executionId).fetch("https://object/viewer", {
    headers: { upgrade: "websocket" },
  });
  if (!answer.webSocket) throw new Error(`no socket: ${answer.status}`);
  return new Line(answer.webSocket);
}

export function controlHello(more: Record<string, unknown> = {}): Message {
  return {
    type: "hello",
    protocol: PROTOCOL_VERSIONS,
    agentVersion: "1.0.0",
    hostname: "host",
    os: "linux",
    arch: "x64",
    labels: {},
    slots: 1,
    draining: false,
    leases: [],
    ...more,
  };
}

/** A connected agent that has said hello. */
export async function connectAgent(place: Place, more: Record<string, unknown> = {}): Promise<Line> {
  const control = await openControl(place);
  control.send(controlHello(more));
  await control.next("welcome");
  return control;
}

export function command(id: string, more: Partial<CommandBlock> = {}): CommandBlock {
  return { kind: "command", id, interpreter: "sh", script: "true", ...more };
}

export async function newExecution(
  place: Place,
  blocks: Block[],
  afterwards?: Block[],
): Promise<CreateExecution> {
  const plan: Plan = {
    schema: 1,
    organizationId: place.organizationId,
    runbookId: newId("runbook"),
    versionId: newId("version"),
    versionNumber: 1,
    versionHash: "hash",
    title: "Test",
    parameters: {},
    target: { poolId: place.poolId, poolName: "default", labels: {} },
    blocks,
    ...(afterwards && { finally: afterwards }),
    nonce: crypto.randomUUID(),
    expiresAt: Date.now() + 3_600_000,
  };
  return {
    executionId: newId("execution"),
    requestHash: "request",
    plan,
    planDigest: await planDigest(plan),
    trigger: { type: "user" },
    actor: { type: "user", id: newId("user"), name: "Ada" },
    requestId: newId("request"),
  };
}

export async function acceptOffer(control: Line, n = 1): Promise<LeaseOffer> {
  // A frame from our own pool, which has its own tests for what it sends.
  const offer = (await control.next("lease.offer", n)) as unknown as LeaseOffer;
  control.send({ type: "ack", id: offer.id });
  control.send({ type: "lease.accepted", leaseId: offer.lease.id, fence: offer.lease.fence });
  return offer;
}

export async function declineOffer(control: Line, reason: string, detail = "", n = 1): Promise<LeaseOffer> {
  const offer = (await control.next("lease.offer", n)) as unknown as LeaseOffer;
  const { id: leaseId, fence } = offer.lease;
  control.send({ type: "lease.declined", leaseId, fence, reason, detail });
  return offer;
}

/** What an agent holds of one attempt: it sends chunks and the result from here. */
export class Attempt {
  readonly step: string;
  readonly fence: number;
  readonly #parts: Record<Stream, Uint8Array[]> = { stdout: [], stderr: [] };

  constructor(step: string, fence: number) {
    this.step = step;
    this.fence = fence;
  }

  bytes(stream: Stream): number {
    return this.#parts[stream].reduce((sum, part) => sum + part.length, 0);
  }

  /** Encodes the next chunk of a stream. */
  chunk(text: string | Uint8Array, stream: Stream = "stdout"): Uint8Array {
    const payload = typeof text === "string" ? new TextEncoder().encode(text) : text;
    const offset = this.bytes(stream);
    this.#parts[stream].push(payload);
    return encodeChunk({ step: this.step, attempt: 1, stream, offset, time: Date.now(), payload }, crc32);
  }

  hello(lease: Lease, state: "running" | "finished" = "running"): Message {
    const spooled = { stdout: this.bytes("stdout"), stderr: this.bytes("stderr") };
    const attempts = [{ step: this.step, attempt: 1, fence: this.fence, state, spooled }];
    return { type: "hello", protocol: PROTOCOL_VERSIONS, lease, attempts };
  }

  started(): Message {
    return {
      type: "step.started",
      step: this.step,
      attempt: 1,
      fence: this.fence,
      pid: 42,
      time: Date.now(),
    };
  }

  finished(outcome: AttemptOutcome = { type: "exited", exitCode: 0 }): Message {
    const summary = (stream: Stream) => {
      const hash = createHash("sha256");
      for (const part of this.#parts[stream]) hash.update(part);
      return { bytes: this.bytes(stream), sha256: hash.digest("hex"), cutBytes: 0 };
    };
    return {
      type: "step.finished",
      step: this.step,
      attempt: 1,
      fence: this.fence,
      outcome,
      time: Date.now(),
      durationMs: 5,
      streams: { stdout: summary("stdout"), stderr: summary("stderr") },
      leakedOutput: false,
    };
  }
}
