/**
 * Viewers end with the credential that opened them: sockets, and streams over
 * plain HTTP that follow the log. The organization's feed is told of each, so
 * that a revocation or an expiry finds it, also while this object sleeps; a
 * credential that was revoked meanwhile is noticed in that moment.
 */
import type { Connection } from "partyserver";
import { CLOSE_CODES } from "#protocol/socket.ts";
import { type Credential, credentialIn, type FeedApi } from "../feed/contract.ts";

export interface ViewerAccessDeps {
  feed(): FeedApi;
  executionId(): string;
  /** Open sockets that have this tag. */
  sockets(tag: string): Iterable<Connection>;
  background(work: Promise<unknown>): void;
}

const VIEWER = "viewer";

export class ViewerAccess {
  readonly #deps: ViewerAccessDeps;
  /** What ends each open stream, by its credential. */
  readonly #streams = new Map<string, Set<() => void>>();

  constructor(deps: ViewerAccessDeps) {
    this.#deps = deps;
  }

  /** What a viewer's socket is tagged with: that it is one, and its credential. */
  tags(request: Request): string[] {
    const credential = credentialIn(request.headers);
    return credential ? [VIEWER, credential.id] : [VIEWER];
  }

  opened(socket: Connection, request: Request): void {
    const credential = credentialIn(request.headers);
    if (!credential) return;
    const restart = () => socket.close(CLOSE_CODES.restart, "reconnect");
    this.#deps.background(this.#watch(credential, socket.id, () => endSocket(socket), restart));
  }

  closed(socket: Connection): void {
    if (isKnown(socket)) this.#deps.background(this.#deps.feed().unwatch(socket.id));
  }

  /** A stream begins. `end` is called when its credential has ended; what is returned, once the stream is over. */
  streaming({ headers }: Request, end: () => void): () => void {
    const credential = credentialIn(headers);
    if (!credential) return () => {};
    const ends = this.#streams.get(credential.id) ?? new Set();
    this.#streams.set(credential.id, ends.add(end));
    const id = crypto.randomUUID();
    const watched = this.#watch(credential, id, end, end);
    this.#deps.background(watched);
    return () => {
      ends.delete(end);
      if (ends.size === 0) this.#streams.delete(credential.id);
      this.#deps.background(watched.then(() => this.#deps.feed().unwatch(id)));
    };
  }

  async #watch(credential: Credential, viewerId: string, end: () => void, restart: () => void) {
    const watch = { viewerId, credential, executionId: this.#deps.executionId() };
    try {
      if (!(await this.#deps.feed().watch(watch))) end();
    } catch (error) {
      // Nobody could end it later: the viewer has to come again.
      restart();
      throw error;
    }
  }

  /** Ends what a credential opened. */
  end(credentialId: string): void {
    for (const socket of this.#deps.sockets(credentialId)) endSocket(socket);
    for (const end of [...(this.#streams.get(credentialId) ?? [])]) end();
  }
}

/** True for a viewer's socket that the feed was told of. */
function isKnown({ tags }: Connection): boolean {
  const place = tags.indexOf(VIEWER);
  return place >= 0 && tags[place + 1] !== undefined;
}

function endSocket(socket: Connection): void {
  socket.close(CLOSE_CODES.revoked, "this log-in or API key has ended");
}
