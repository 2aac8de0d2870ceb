/**
 * The data socket of one lease. Commands come in and are acknowledged and
 * handed to the lease; what goes out is the sender's.
 */
import { AGENT_PATHS } from "#protocol/assertion.ts";
import {
  type AgentDataMessage,
  type CoordinatorDataMessage,
  coordinatorDataMessageSchema,
} from "#protocol/data.ts";
import { CLOSE_CODES, parseFrame } from "#protocol/socket.ts";
import { PROTOCOL_VERSIONS } from "#protocol/version.ts";
import type { Clock } from "../clock.ts";
import type { HeldLease } from "../job/lease.ts";
import type { Log } from "../log.ts";
import type { Ending } from "./backoff.ts";
import type { Link, Session } from "./link.ts";
import { Sender } from "./sender.ts";

export interface DataSessionDeps {
  lease: HeldLease;
  clock: Clock;
  log: Log;
  /** The lease is over: the socket is to be closed for good. The folder is kept where another lease may come. */
  over(why: string, keepFolder: boolean): void;
}

type Welcome = Extract<CoordinatorDataMessage, { type: "welcome" }>;

export class DataSession implements Session {
  readonly path: string;
  readonly #deps: DataSessionDeps;
  readonly #sender: Sender;
  #link: Link | undefined;
  /** Nothing of this lease was ever sent, so its coordinator holds nothing. */
  #untouched: boolean;

  constructor(deps: DataSessionDeps) {
    this.#deps = deps;
    const { lease, clock, log } = deps;
    const { executionId } = lease.lease;
    this.#untouched = !lease.restored;
    this.path = AGENT_PATHS.execution(encodeURIComponent(executionId));
    this.#sender = new Sender({ lease, clock, log: log.with({ executionId }) });
    lease.listen(this.#sender);
  }

  /** True when nothing that the coordinator should have is left here. */
  get reported(): boolean {
    return this.#sender.reported;
  }

  opened(link: Link): void {
    this.#link = link;
    const { lease } = this.#deps;
    this.#send({
      type: "hello",
      protocol: PROTOCOL_VERSIONS,
      lease: lease.lease,
      attempts: Array.from(lease.attempts, (attempt) => ({
        step: attempt.step,
        attempt: attempt.number,
        fence: attempt.fence,
        state: attempt.result ? ("finished" as const) : ("running" as const),
        spooled: { ...attempt.spool.bytes },
      })),
    });
    // What the welcome would say is known already, so the first output need not wait for it.
    if (this.#untouched) this.#sender.goLive(link);
    this.#untouched = false;
  }

  lost(ending: Ending, heardAt: number | undefined): void {
    const wasLive = this.#sender.live !== undefined;
    this.#link = undefined;
    this.#sender.stop();
    if (ending.type === "closed" && ending.code === CLOSE_CODES.leaseOver) {
      this.#deps.over("the coordinator says it is over", true);
    } else if (wasLive) {
      // Silence counts from the last sign of life, anything else from now (LS3).
      const silentSince = ending.type === "silent" ? heardAt : undefined;
      this.#deps.lease.disconnected(silentSince ?? this.#deps.clock.monotonic());
    }
  }

  received(frame: string): string | undefined {
    const parsed = parseFrame(coordinatorDataMessageSchema, frame);
    return parsed.ok ? this.#handle(parsed.message) : parsed.reason;
  }

  /** @returns why the frame cannot be accepted, if so */
  #handle(message: CoordinatorDataMessage): string | undefined {
    const { lease } = this.#deps;
    switch (message.type) {
      case "welcome":
        this.#welcome(message);
        return undefined;
      case "step.start":
      case "step.cancel": {
        this.#send({ type: "ack", id: message.id });
        const known = lease.find(message);
        if (message.type === "step.start") lease.start(message);
        else lease.cancel(message);
        if (known) this.#sender.repeat(known);
        return undefined;
      }
      case "output.ack":
        return this.#sender.acknowledge(message)
          ? undefined
          : `output.ack of ${message.held} bytes that were never sent`;
      case "output.resend":
        this.#sender.resend(message);
        return undefined;
      case "step.recorded":
        this.#sender.forget(message);
        return undefined;
      case "lease.release":
        this.#send({ type: "ack", id: message.id });
        this.#released(message.keepFolder ?? false);
        return undefined;
      default:
        return message satisfies never;
    }
  }

  #welcome(message: Welcome): void {
    const { lease } = this.#deps;
    const link = this.#link;
    if (!link) return;
    if (message.protocol < PROTOCOL_VERSIONS.min || message.protocol > PROTOCOL_VERSIONS.max) {
      link.close(CLOSE_CODES.upgradeRequired, "this agent does not speak that version: upgrade the agent");
      return;
    }
    lease.stale = !message.current;
    link.settle();
    lease.connected();
    if (this.#sender.live === link) return;
    this.#sender.resume(message.attempts);
    this.#sender.goLive(link);
  }

  /** Something may still run, where nobody waited for it: it is ended, and told while the socket is there (LS2). */
  #released(keepFolder: boolean): void {
    const { lease, over } = this.#deps;
    if (lease.reported) over("released", keepFolder);
    else void lease.revoke().then(() => over("released", keepFolder));
  }

  #send(message: AgentDataMessage): void {
    this.#link?.send(JSON.stringify(message));
  }
}
