/**
 * A control plane for tests: the enrol endpoint, the control socket and the
 * data sockets, spoken over real HTTP and WebSockets, with every fault that a
 * test may want. It shares the wire schemas with the product and nothing else.
 */
import { createHash, createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { crc32 } from "node:zlib";
import { decodeJwt, jwtVerify } from "jose";
import { type WebSocket, WebSocketServer } from "ws";
import {
  AGENT_PATHS,
  assertionClaimsSchema,
  type EnrollRequest,
  enrollRequestSchema,
  rotateKeyRequestSchema,
} from "#protocol/assertion.ts";
import type { Block } from "#protocol/blocks/index.ts";
import { decodeChunk, type Stream } from "#protocol/chunk.ts";
import {
  type AgentControlMessage,
  agentControlMessageSchema,
  type PoolControlMessage,
} from "#protocol/control.ts";
import {
  type AgentDataMessage,
  agentDataMessageSchema,
  type CoordinatorDataMessage,
  type StepFinished,
  type StepInputs,
} from "#protocol/data.ts";
import { newId } from "#protocol/ids.ts";
import { type Plan, planDigest } from "#protocol/plan.ts";
import { type Lease, parseFrame } from "#protocol/socket.ts";
import { SUBPROTOCOL } from "#protocol/version.ts";
import { LONG, LONG_TIMEOUT_MS } from "../harness/long.ts";

const WAIT_MS = LONG ? LONG_TIMEOUT_MS : 40_000;

/** Something a test can wait on: every change looks at all conditions again. */
export class Changes {
  #waiting = new Set<() => void>();

  notify(): void {
    for (const look of this.#waiting) look();
  }

  /** Resolves with the first value that is neither undefined nor false. */
  until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const value = look();
        if (value === undefined || value === false) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(value);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`waited ${WAIT_MS / 1000} s for: ${what}`));
      }, WAIT_MS);
      this.#waiting.add(check);
      check();
    });
  }
}

export interface Upgrade {
  path: string;
  assertion: string;
  protocol: string | undefined;
}

/** One control socket, from its upgrade to its end. */
export class ControlPeer {
  readonly socket: WebSocket;
  readonly messages: AgentControlMessage[] = [];
  readonly rejected: string[] = [];
  pings = 0;
  closed: number | undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
  }

  send(message: PoolControlMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  of<T extends AgentControlMessage["type"]>(type: T): Extract<AgentControlMessage, { type: T }>[] {
    return this.messages.filter(
      (message): message is Extract<AgentControlMessage, { type: T }> => message.type === type,
    );
  }
}

interface HeldOutput {
  bytes: Buffer[];
  length: number;
}

/** What the coordinator of one execution knows, over however many sockets. */
export class Coordinator {
  readonly executionId: string;
  readonly lease: Lease;
  readonly plan: Plan;
  readonly messages: AgentDataMessage[] = [];
  /** Chunks in the order in which they were committed, over both streams. */
  readonly arrivals: { stream: Stream; text: string; bytes: number }[] = [];
  readonly sockets: WebSocket[] = [];
  readonly closes: number[] = [];
  readonly #held = new Map<string, HeldOutput>();
  readonly #changes: Changes;
  pings = 0;
  /** Binary frames received, and of those the ones that were not new. */
  frames = 0;
  repeats = 0;
  framesPerSocket: number[] = [];

  /** Results whose output is all here. */
  readonly complete: StepFinished[] = [];

  // What a test may change.
  welcomes = true;
  current = true;
  acknowledges = true;
  records = true;
  pongs = true;
  /** Lose this frame without a word. */
  loses: (frame: Buffer, binary: boolean) => boolean = () => false;
  /** Cut the connection after so many bytes of output on one socket. */
  cutAfterBytes = Number.POSITIVE_INFINITY;
  /** Called for each committed chunk. */
  onChunk: (bytes: number) => void = () => {};

  constructor(lease: Lease, plan: Plan, changes: Changes) {
    this.executionId = lease.executionId;
    this.lease = lease;
    this.plan = plan;
    this.#changes = changes;
  }

  get socket(): WebSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no data socket yet");
    return socket;
  }

  send(message: CoordinatorDataMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  of<T extends AgentDataMessage["type"]>(type: T): Extract<AgentDataMessage, { type: T }>[] {
    return this.messages.filter(
      (message): message is Extract<AgentDataMessage, { type: T }> => message.type === type,
    );
  }

  output(step: string, stream: Stream, attempt = 1): Buffer {
    return Buffer.concat(this.#stream(step, attempt, stream).bytes);
  }

  sha256(step: string, stream: Stream): string {
    return createHash("sha256").update(this.output(step, stream)).digest("hex");
  }

  /** Waits for a result, and for all the output that belongs to it. */
  finished(step: string, attempt = 1): Promise<StepFinished> {
    return this.#changes.until(`the end of ${step}`, () =>
      this.complete.find((each) => each.step === step && each.attempt === attempt),
    );
  }

  /** Waits until stdout of the step holds this text. */
  printed(step: string, text: string, attempt = 1): Promise<true> {
    const printed = () => this.output(step, "stdout", attempt).includes(text);
    return this.#changes.until(`"${text}" from ${step}`, printed);
  }

  start(step: string, attempt = 1, inputs?: StepInputs): void {
    const { fence } = this.lease;
    this.send({ type: "step.start", id: `start:${step}:${attempt}`, step, attempt, fence, inputs });
  }

  cancel(step: string, graceMs = 10_000, reason: "canceled" | "timed_out" = "canceled", attempt = 1): void {
    this.send({ type: "step.cancel", id: `cancel:${step}`, step, attempt, reason, graceMs });
  }

  release(keepFolder?: true): void {
    this.send({ type: "lease.release", id: "release", keepFolder });
  }

  accept(socket: WebSocket): void {
    let bytesHere = 0;
    const index = this.sockets.push(socket) - 1;
    this.framesPerSocket[index] = 0;
    socket.on("message", (data: Buffer, binary) => {
      if (this.loses(data, binary)) return;
      if (binary) {
        bytesHere += data.length;
        this.framesPerSocket[index] = (this.framesPerSocket[index] ?? 0) + 1;
        this.#chunk(socket, data);
        if (bytesHere > this.cutAfterBytes) socket.terminate();
      } else this.#text(socket, data.toString());
      this.#changes.notify();
    });
    socket.on("close", (code) => {
      this.closes.push(code);
      this.#changes.notify();
    });
    socket.on("error", () => {});
    this.#changes.notify();
  }

  #stream(step: string, attempt: number, stream: Stream): HeldOutput {
    const key = `${step}#${attempt} ${stream}`;
    const held = this.#held.get(key) ?? { bytes: [], length: 0 };
    this.#held.set(key, held);
    return held;
  }

  #chunk(socket: WebSocket, frame: Buffer): void {
    this.frames++;
    const { step, attempt, stream, offset, payload } = decodeChunk(frame, crc32);
    const held = this.#stream(step, attempt, stream);
    const reply = (message: CoordinatorDataMessage) => socket.send(JSON.stringify(message));
    if (offset > held.length || (offset < held.length && offset + payload.length > held.length)) {
      reply({ type: "output.resend", step, attempt, stream, from: held.length });
      return;
    }
    if (offset === held.length) {
      held.bytes.push(Buffer.from(payload));
      held.length += payload.length;
      this.arrivals.push({
        stream,
        text: Buffer.from(payload.subarray(0, 200)).toString("latin1"),
        bytes: payload.length,
      });
    } else this.repeats++;
    if (this.acknowledges) reply({ type: "output.ack", step, attempt, stream, held: held.length });
    this.onChunk(payload.length);
  }

  #text(socket: WebSocket, frame: string): void {
    if (frame === "ping") {
      this.pings++;
      if (this.pongs) socket.send("pong");
      return;
    }
    const parsed = parseFrame(agentDataMessageSchema, frame);
    if (!parsed.ok) throw new Error(`the agent sent what is not of the protocol: ${parsed.reason}`);
    const message = parsed.message;
    this.messages.push(message);
    const reply = (answer: CoordinatorDataMessage) => socket.send(JSON.stringify(answer));
    if (message.type === "hello" && this.welcomes) {
      const attempts = message.attempts.map(({ step, attempt }) => ({
        step,
        attempt,
        held: {
          stdout: this.#stream(step, attempt, "stdout").length,
          stderr: this.#stream(step, attempt, "stderr").length,
        },
        recorded: false,
      }));
      reply({ type: "welcome", protocol: 1, current: this.current, attempts });
    }
    if (message.type === "step.finished") this.#finished(message, reply);
  }

  #finished(message: StepFinished, reply: (message: CoordinatorDataMessage) => void): void {
    const { step, attempt, streams } = message;
    for (const stream of ["stdout", "stderr"] as const) {
      const held = this.#stream(step, attempt, stream);
      if (held.length < streams[stream].bytes) {
        reply({ type: "output.resend", step, attempt, stream, from: held.length });
        return;
      }
    }
    this.complete.push(message);
    if (this.records) reply({ type: "step.recorded", step, attempt });
  }
}

export interface EnrolledAgent {
  agentId: string;
  request: EnrollRequest;
  key: KeyObject;
  /** Proposed, and not used yet. */
  nextKey?: KeyObject;
}

function keyOf(publicKey: string): KeyObject {
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey }, format: "jwk" });
}

function json(status: number, data: unknown): PlainAnswer {
  const metadata = { requestId: newId("request"), timestamp: new Date().toISOString(), durationMs: 1 };
  return { status, type: "application/json", body: JSON.stringify({ data, metadata }) };
}

export interface OfferOptions {
  blocks: Block[];
  parameters?: Plan["parameters"];
  expiresAt?: number;
  /** Another digest than the plan's own. */
  planDigest?: string;
  firstStep?: string;
  /** Of the first step; the first unless it says otherwise. */
  attempt?: number;
  /** Of the first step. */
  inputs?: StepInputs;
  /** Another lease of the execution of this one. */
  after?: Coordinator;
  /** This plan and execution instead of new ones. */
  plan?: Plan;
  executionId?: string;
  /** Signatures of approvers that come with the first step. */
  approvals?: string[];
  configure?: (coordinator: Coordinator) => void;
}

export function planOf({ blocks, parameters = {}, expiresAt }: OfferOptions): Plan {
  return {
    schema: 1,
    organizationId: newId("organization"),
    runbookId: newId("runbook"),
    versionId: newId("version"),
    versionNumber: 3,
    versionHash: "0".repeat(64),
    title: "A test",
    parameters,
    target: { poolId: newId("pool"), poolName: "test", labels: {} },
    blocks,
    nonce: randomBytes(8).toString("hex"),
    expiresAt: expiresAt ?? Date.now() + 60_000,
  };
}

export interface PlaneOptions {
  /** Speaks TLS with these. */
  tls?: { key: string; cert: string };
  /** What its address says. */
  host?: string;
  /** Says https in its address, whatever it speaks. */
  url?: "https";
}

/** The answer to a request that is no upgrade. */
interface PlainAnswer {
  status: number;
  type: string;
  body: string;
  headers?: Record<string, string>;
}

export class FakeControlPlane {
  readonly changes = new Changes();
  readonly agents: EnrolledAgent[] = [];
  readonly upgrades: Upgrade[] = [];
  readonly controls: ControlPeer[] = [];
  readonly coordinators = new Map<string, Coordinator[]>();
  readonly problems: string[] = [];
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #seenIds = new Set<string>();
  readonly #counters = new Map<string, number>();
  readonly #streams = new Set<Duplex>();
  readonly organizationId = newId("organization");
  readonly poolId = newId("pool");
  url = "";

  // What a test may change.
  /** Answers an upgrade with raw HTTP instead; undefined lets it pass. */
  refuses: (path: string) => string | undefined = () => undefined;
  /** Answers the enrol request instead. */
  enrols: (request: EnrollRequest) => PlainAnswer | undefined = () => undefined;
  health: () => PlainAnswer = () => json(200, { status: "ok", protocol: { min: 1, max: 1 } });
  /** Called with the next key of an agent; false leaves it unknown here, and the request unanswered. */
  rotates: (publicKey: string) => "answer" | "lose the answer" | "lose it" = () => "answer";
  /** Answers another request with a file. */
  serves: (path: string) => Buffer | undefined = () => undefined;
  /** The version that agents should have. */
  wantedVersion: string | undefined;
  welcomes = true;
  pongs = true;
  now: () => number = Date.now;

  static async start({ tls, host = "127.0.0.1", url }: PlaneOptions = {}): Promise<FakeControlPlane> {
    const plane = new FakeControlPlane(tls);
    await new Promise<void>((resolve) => plane.#server.listen(0, "127.0.0.1", resolve));
    const port = (plane.#server.address() as AddressInfo).port;
    plane.url = `${tls ? "https" : (url ?? "http")}://${host}:${port}`;
    return plane;
  }

  private constructor(tls: PlaneOptions["tls"]) {
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      let body = "";
      request.on("data", (part) => {
        body += part;
      });
      request.on("end", async () => {
        const file = this.serves(request.url ?? "");
        if (file) return void response.end(file);
        const answer = await this.#answer(request, body);
        this.changes.notify();
        if (!answer) return void request.socket.destroy();
        response
          .writeHead(answer.status, { "content-type": answer.type, ...answer.headers })
          .end(answer.body);
      });
    };
    this.#server = tls ? createTlsServer(tls, handle) : createServer(handle);
    this.#server.on("upgrade", (request, stream: Duplex, head) => {
      this.#streams.add(stream);
      stream.on("close", () => this.#streams.delete(stream));
      // Agents are killed in the middle of it.
      stream.on("error", () => {});
      void this.#upgrade(request, stream, head);
    });
  }

  async stop(): Promise<void> {
    for (const stream of this.#streams) stream.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Drops every TCP connection without a goodbye. */
  cutEverything(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  get control(): ControlPeer {
    const control = this.controls.at(-1);
    if (!control) throw new Error("no control socket yet");
    return control;
  }

  /** Waits for the agent's hello on its newest control socket. */
  connected(): Promise<ControlPeer> {
    return this.changes.until("the agent's hello", () =>
      this.controls.findLast((control) => control.of("hello").length > 0 && control.closed === undefined),
    );
  }

  /** Offers a lease with a plan of these blocks; the first of them is the first step. */
  async offer(options: OfferOptions): Promise<{ coordinator: Coordinator; repeat: () => void }> {
    const { after, inputs, approvals, attempt = 1 } = options;
    const executionId = after?.executionId ?? options.executionId ?? newId("execution");
    const fence = (after?.lease.fence ?? 0) + 1;
    const lease: Lease = { id: newId("lease"), executionId, fence };
    const plan = after?.plan ?? options.plan ?? planOf(options);
    const coordinator = new Coordinator(lease, plan, this.changes);
    options.configure?.(coordinator);
    this.coordinators.set(executionId, [...(this.coordinators.get(executionId) ?? []), coordinator]);
    const step = options.firstStep ?? options.blocks[0]?.id ?? "missing";
    const offer: PoolControlMessage = {
      type: "lease.offer",
      id: `offer:${lease.id}`,
      lease,
      plan,
      planDigest: options.planDigest ?? (await planDigest(plan)),
      firstStep: {
        type: "step.start",
        id: `start:${step}:${attempt}`,
        step,
        attempt,
        fence,
        inputs,
        approvals,
      },
    };
    const send = () => this.control.send(offer);
    send();
    return { coordinator, repeat: send };
  }

  /** Offers, and waits for the first step's end. */
  async run(options: OfferOptions): Promise<{ coordinator: Coordinator; finished: StepFinished }> {
    const { coordinator } = await this.offer(options);
    const step = options.firstStep ?? options.blocks[0]?.id ?? "missing";
    const finished = await coordinator.finished(step, options.attempt);
    return { coordinator, finished };
  }

  /** Undefined for no answer at all. */
  async #answer(
    { url: path = "", headers }: IncomingMessage,
    body: string,
  ): Promise<PlainAnswer | undefined> {
    const date = { date: new Date(this.now()).toUTCString() };
    if (path === "/api/v1/health") return { ...this.health(), headers: date };
    if (path === AGENT_PATHS.enroll) return this.#enrol(body);
    if (path === AGENT_PATHS.rotateKey) {
      return this.#rotate(headers.authorization?.replace(/^Bearer /, "") ?? "", body);
    }
    return { status: 404, type: "text/plain", body: "" };
  }

  async #rotate(assertion: string, body: string): Promise<PlainAnswer | undefined> {
    const problem = await this.#assertionProblem(assertion, AGENT_PATHS.rotateKey);
    if (problem) return { status: 401, type: "text/plain", body: problem };
    const { publicKey } = rotateKeyRequestSchema.parse(JSON.parse(body));
    const agent = this.agents.find(({ agentId }) => agentId === decodeJwt(assertion).sub);
    const outcome = this.rotates(publicKey);
    if (agent && outcome !== "lose it" && !agent.key.equals(keyOf(publicKey)))
      agent.nextKey = keyOf(publicKey);
    if (outcome !== "answer") return undefined;
    return json(200, { oldKeyUntil: new Date(this.now() + 1000).toISOString() });
  }

  #enrol(body: string): PlainAnswer {
    const request = enrollRequestSchema.parse(JSON.parse(body));
    const answer = this.enrols(request);
    if (answer) return answer;
    const agentId = newId("agent");
    this.agents.push({ agentId, request, key: keyOf(request.publicKey) });
    return json(201, {
      agentId,
      organizationId: this.organizationId,
      poolId: this.poolId,
      poolName: "test",
    });
  }

  async #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const path = request.url ?? "";
    const assertion = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
    this.upgrades.push({ path, assertion, protocol: request.headers["sec-websocket-protocol"] });
    this.changes.notify();
    const refusal = this.refuses(path);
    if (refusal !== undefined) return void stream.end(refusal);
    const problem = await this.#assertionProblem(assertion, path);
    if (problem || request.headers["sec-websocket-protocol"] !== SUBPROTOCOL) {
      this.problems.push(problem ?? "wrong subprotocol");
      const date = new Date(this.now()).toUTCString();
      return void stream.end(`HTTP/1.1 401 Unauthorized\r\ndate: ${date}\r\nconnection: close\r\n\r\n`);
    }
    this.#sockets.handleUpgrade(request, stream, head, (socket) => this.#accept(path, socket));
  }

  /** Rule HS2, checked as the product checks it. */
  async #assertionProblem(assertion: string, path: string): Promise<string | undefined> {
    for (const agent of this.agents) {
      const found = await this.#problemFor(agent, agent.key, assertion, path);
      if (found !== "another key") return found;
      if (!agent.nextKey) continue;
      const next = await this.#problemFor(agent, agent.nextKey, assertion, path);
      if (next === "another key") continue;
      // Its first use makes it the agent's only one.
      agent.key = agent.nextKey;
      delete agent.nextKey;
      return next;
    }
    return "no enrolled key fits the assertion";
  }

  async #problemFor(
    { agentId }: EnrolledAgent,
    key: KeyObject,
    assertion: string,
    path: string,
  ): Promise<string | undefined> {
    try {
      const { payload, protectedHeader } = await jwtVerify(assertion, key, {
        audience: this.url + path,
        subject: agentId,
        algorithms: ["EdDSA"],
        maxTokenAge: 60,
        currentDate: new Date(this.now()),
      });
      const claims = assertionClaimsSchema.parse(payload);
      if (claims.exp - claims.iat !== 60) return "an assertion is good for 60 s";
      if (protectedHeader.alg !== "EdDSA") return "wrong algorithm";
      if (this.#seenIds.has(claims.jti)) return "an assertion was used twice";
      this.#seenIds.add(claims.jti);
      this.#countedBy(agentId, claims.counter, path);
      return undefined;
    } catch {
      // Signed by another agent, perhaps.
      return "another key";
    }
  }

  /** Rule HS5: each try of an agent to open its control socket has a number that is greater than all before. */
  #countedBy(agentId: string, counter: number | undefined, path: string): void {
    if (path !== AGENT_PATHS.control) return;
    const last = this.#counters.get(agentId) ?? 0;
    if (counter === undefined || counter <= last) this.problems.push(`counted ${counter} after ${last}`);
    this.#counters.set(agentId, counter ?? last);
  }

  #accept(path: string, socket: WebSocket): void {
    if (path !== AGENT_PATHS.control) {
      const coordinators = this.coordinators.get(path.split("/").at(-1) ?? "") ?? [];
      if (coordinators.length > 1) this.#acceptLease(coordinators, socket);
      else if (coordinators[0]) coordinators[0].accept(socket);
      else socket.close(4410, "no such lease");
      return;
    }
    const peer = new ControlPeer(socket);
    this.controls.push(peer);
    socket.on("message", (data: Buffer) => {
      this.#controlFrame(peer, data.toString());
      this.changes.notify();
    });
    socket.on("close", (code) => {
      peer.closed = code;
      this.changes.notify();
    });
    socket.on("error", () => {});
    this.changes.notify();
  }

  /** The hello says which of the leases of an execution a socket is for. */
  #acceptLease(coordinators: Coordinator[], socket: WebSocket): void {
    socket.once("message", (data: Buffer, binary) => {
      const parsed = parseFrame(agentDataMessageSchema, data.toString());
      const hello = parsed.ok && parsed.message.type === "hello" ? parsed.message : undefined;
      const coordinator = coordinators.find(({ lease }) => lease.id === hello?.lease.id);
      if (!coordinator) return socket.close(4410, "no such lease");
      coordinator.accept(socket);
      socket.emit("message", data, binary);
    });
  }

  #controlFrame(peer: ControlPeer, frame: string): void {
    if (frame === "ping") {
      peer.pings++;
      if (this.pongs) peer.socket.send("pong");
      return;
    }
    const parsed = parseFrame(agentControlMessageSchema, frame);
    if (!parsed.ok) return void this.problems.push(`control: ${parsed.reason}`);
    peer.messages.push(parsed.message);
    if (parsed.message.type === "hello" && this.welcomes) {
      const agentId = this.agents[0]?.agentId ?? "";
      const { wantedVersion } = this;
      peer.send({
        type: "welcome",
        protocol: 1,
        agentId,
        time: Date.now(),
        heartbeatMs: 20_000,
        wantedVersion,
      });
    }
  }
}
