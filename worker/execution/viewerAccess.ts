/**
 * Viewers' sockets end with the credential that opened them. The organization's
 * feed is told of each, so that a revocation finds it, also while this object
 * sleeps; a credential that was revoked meanwhile is noticed in that moment.
 */
import type { Connection } from "partyserver";
import { CLOSE_CODES } from "#protocol/socket.ts";
import { CREDENTIAL_HEADER, type FeedApi } from "../feed/contract.ts";

export interface ViewerAccessDeps {
  feed(): FeedApi;
  executionId(): string;
  /** Open sockets that have this tag. */
  sockets(tag: string): Iterable<Connection>;
}

const VIEWER = "viewer";

export class ViewerAccess {
  readonly #deps: ViewerAccessDeps;

  constructor(deps: ViewerAccessDeps) {
    this.#deps = deps;
  }

  /** What a viewer's socket is tagged with: that it is one, and its credential. */
  tags(request: Request): string[] {
    const credentialId = request.headers.get(CREDENTIAL_HEADER);
    return credentialId === null ? [VIEWER] : [VIEWER, credentialId];
  }

  async opened(socket: Connection): Promise<void> {
    const credentialId = credentialOf(socket);
    if (credentialId === undefined) return;
    const watch = { socketId: socket.id, credentialId, executionId: this.#deps.executionId() };
    try {
      if (!(await this.#deps.feed().watch(watch))) endSocket(socket);
    } catch (error) {
      // Nobody could end it later: the viewer has to come again.
      socket.close(CLOSE_CODES.restart, "reconnect");
      throw error;
    }
  }

  async closed(socket: Connection): Promise<void> {
    if (credentialOf(socket) !== undefined) await this.#deps.feed().unwatch(socket.id);
  }

  /** Ends what a credential opened. */
  end(credentialId: string): void {
    for (const socket of this.#deps.sockets(credentialId)) endSocket(socket);
  }
}

function credentialOf(socket: Connection): string | undefined {
  const place = socket.tags.indexOf(VIEWER);
  return place < 0 ? undefined : socket.tags[place + 1];
}

function endSocket(socket: Connection): void {
  socket.close(CLOSE_CODES.revoked, "this log-in or API key has ended");
}
