/**
 * One Durable Object per organization: hands what changed to every browser that
 * has a list open. It stores nothing; a browser that was away asks the API.
 */
import { type Connection, Server } from "partyserver";
import { type FeedMessage, feedMessageSchema } from "#protocol/feed.ts";
import { HEARTBEAT_PING, HEARTBEAT_PONG } from "#protocol/limits.ts";
import { CLOSE_CODES } from "#protocol/socket.ts";
import type { Env } from "../env.ts";
import { log } from "../log.ts";
import { answerClose } from "../sockets.ts";
import type { FeedApi } from "./contract.ts";

export class OrganizationFeed extends Server<Env> implements FeedApi {
  static override options = { hibernate: true };

  async publish(message: FeedMessage): Promise<void> {
    this.broadcast(JSON.stringify(feedMessageSchema.parse(message)));
  }

  override async fetch(request: Request): Promise<Response> {
    try {
      return await super.fetch(request);
    } catch (error) {
      log("error", "a request failed", { organizationId: this.name, error });
      return new Response(null, { status: 500 });
    }
  }

  override onStart(): void {
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(HEARTBEAT_PING, HEARTBEAT_PONG));
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
