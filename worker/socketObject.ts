/**
 * What the two objects that hold agents' sockets have in common: heartbeats,
 * one alarm for many waits, work that nobody waits for, and their log.
 */
import { Server } from "partyserver";
import { HEARTBEAT_PING, HEARTBEAT_PONG, HEARTBEAT_TIMEOUT_MS } from "#protocol/limits.ts";
import type { Env } from "./env.ts";
import { log } from "./log.ts";

export abstract class SocketObject extends Server<Env> {
  static override options = { hibernate: true };

  #alarmAt: number | null = null;

  /** What its name says, for the log. */
  protected abstract logFields(): Record<string, string | undefined>;

  /** Heartbeats are answered by the platform, without waking the object (HS3). */
  override onStart(): void {
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(HEARTBEAT_PING, HEARTBEAT_PONG));
  }

  /** The alarm has rung: it has to be set again. */
  protected alarmRang(): void {
    this.#alarmAt = null;
  }

  /** Sets the one alarm to the earliest of all waits, ms since the epoch. */
  protected setAlarmTo(waits: readonly (number | undefined)[]): void {
    const due = waits.filter((wait) => wait !== undefined);
    if (due.length === 0) return;
    const now = Date.now();
    const at = Math.max(Math.min(...due), now + 1);
    // One that comes earlier than needed only looks and sets itself again: cheaper than a write each time.
    if (this.#alarmAt !== null && this.#alarmAt <= at && this.#alarmAt > now) return;
    this.#alarmAt = at;
    this.background(this.ctx.storage.setAlarm(at));
  }

  /** When a socket that has been silent since then counts as dead. */
  protected silentAt(socket: WebSocket, connectedAt: number): number {
    const beat = this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
    return Math.max(beat, connectedAt) + HEARTBEAT_TIMEOUT_MS;
  }

  /** Runs what nobody waits for. What matters of it is repeated by the alarm. */
  protected background(work: Promise<unknown>): void {
    this.ctx.waitUntil(work.catch((error) => this.log("warn", "a call to another object failed", { error })));
  }

  protected log(level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>): void {
    log(level, message, { ...this.logFields(), ...fields });
  }
}
