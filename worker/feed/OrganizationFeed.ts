/**
 * One Durable Object per organization: hands what changed to every browser that
 * has a list open; a browser that was away asks the API. It also knows which
 * credential follows what, and ends all of that when the credential is revoked
 * or expires.
 */
import { type Connection, type ConnectionContext, Server } from "partyserver";
import { type FeedMessage, feedMessageSchema } from "#protocol/feed.ts";
import {
  FEED_SOCKETS_MAX,
  FEED_SOCKETS_PER_CREDENTIAL_MAX,
  HEARTBEAT_PING,
  HEARTBEAT_PONG,
} from "#protocol/limits.ts";
import { CLOSE_CODES } from "#protocol/socket.ts";
import type { Env } from "../env.ts";
import { coordinatorName } from "../execution/contract.ts";
import { mapConcurrently } from "../http/concurrency.ts";
import { log } from "../log.ts";
import { answerClose } from "../sockets.ts";
import { type Credential, credentialIn, type FeedApi, type Watch } from "./contract.ts";
import { FeedStore } from "./store.ts";

/** How soon a coordinator that did not answer is asked again to end its viewers. */
const RETRY_MS = 1_000;

export class OrganizationFeed extends Server<Env> implements FeedApi {
  static override options = { hibernate: true };

  readonly #store = new FeedStore(this.ctx.storage);

  async publish(message: FeedMessage): Promise<void> {
    this.broadcast(JSON.stringify(feedMessageSchema.parse(message)));
  }

  async watch(watch: Watch): Promise<boolean> {
    if (this.#store.isRevoked(watch.credential.id)) return false;
    this.#store.addViewer(watch, Date.now());
    await this.#setAlarm();
    return true;
  }

  async unwatch(viewerId: string): Promise<void> {
    this.#store.removeViewer(viewerId);
  }

  async revoke(credentialId: string): Promise<void> {
    this.#store.revoke(credentialId, Date.now());
    this.#closeSockets(credentialId);
    await this.#endViewers();
  }

  #closeSockets(credentialId: string): void {
    for (const socket of this.getConnections(credentialId)) {
      socket.close(CLOSE_CODES.revoked, "this log-in or API key has ended");
    }
  }

  /** Has coordinators end the viewers of credentials that are over, until each has. */
  async #endViewers(): Promise<void> {
    await mapConcurrently(this.#store.leftovers(Date.now()), async (leftover) => {
      const { credentialId, executionId } = leftover;
      const name = coordinatorName(this.name, executionId);
      try {
        await this.env.EXECUTION_COORDINATOR.getByName(name).endViewers(credentialId);
        this.#store.removeLeftover(leftover);
      } catch (error) {
        log("warn", "viewers could not be ended yet", { organizationId: this.name, executionId, error });
      }
    });
    await this.#setAlarm();
  }

  override async onAlarm(): Promise<void> {
    const expired = this.#store.expired(Date.now());
    for (const credentialId of expired) this.#closeSockets(credentialId);
    await this.#endViewers();
    const left = new Set(this.#store.leftovers(Date.now()).map(({ credentialId }) => credentialId));
    for (const credentialId of expired) if (!left.has(credentialId)) this.#store.forgetExpiry(credentialId);
    await this.#setAlarm();
  }

  async #setAlarm(): Promise<void> {
    const now = Date.now();
    const again = this.#store.leftovers(now).length > 0 ? now + RETRY_MS : undefined;
    const at = again ?? this.#store.nextExpiry;
    if (at !== undefined) await this.ctx.storage.setAlarm(Math.max(at, now + 1));
  }

  override async fetch(request: Request): Promise<Response> {
    try {
      const credential = credentialIn(request.headers);
      if (credential && this.#store.isRevoked(credential.id)) return new Response(null, { status: 401 });
      const crowd = this.#crowd(credential);
      if (crowd) return new Response(crowd, { status: 429 });
      if (credential) this.#store.noteExpiry(credential);
      await this.#setAlarm();
      return await super.fetch(request);
    } catch (error) {
      log("error", "a request failed", { organizationId: this.name, error });
      return new Response(null, { status: 500 });
    }
  }

  /** Why no other socket is let in, in words for whoever wants one. */
  #crowd(credential: Credential | undefined): string | undefined {
    if (credential && [...this.getConnections(credential.id)].length >= FEED_SOCKETS_PER_CREDENTIAL_MAX) {
      return `This log-in or API key follows the organization over ${FEED_SOCKETS_PER_CREDENTIAL_MAX} sockets already. Close one first.`;
    }
    if ([...this.getConnections()].length < FEED_SOCKETS_MAX) return undefined;
    return `This organization is followed over ${FEED_SOCKETS_MAX} sockets already. Close one, or ask the API now and then.`;
  }

  override onStart(): void {
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(HEARTBEAT_PING, HEARTBEAT_PONG));
  }

  override getConnectionTags(_socket: Connection, { request }: ConnectionContext): string[] {
    const credential = credentialIn(request.headers);
    return credential ? [credential.id] : [];
  }

  override onRequest(): Response {
    return new Response(null, { status: 404 });
  }

  /** The feed only speaks; whoever talks to it is not one of ours. */
  override onMessage(socket: Connection): void {
    socket.close(CLOSE_CODES.protocolError, "the feed takes no messages");
  }

  override onClose(socket: Connection, code: number): void {
    answerClose(socket, code);
  }

  override onError(): void {}
}
