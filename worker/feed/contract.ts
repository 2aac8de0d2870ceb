/**
 * What the rest of the worker may ask of an OrganizationFeed, whose name is the
 * organization's id. Browsers reach it through `fetch` with path `/feed`
 * (WebSocket upgrade), after the worker has checked who they are. By which
 * credential travels in the header `CREDENTIAL_HEADER`, here and to coordinators;
 * the worker sets it itself. The feed answers 401 to one that was revoked.
 */
import type { FeedMessage } from "#protocol/feed.ts";

/** The id of an API key or of a session, never the secret itself. */
export const CREDENTIAL_HEADER = "x-farhand-credential";

/** A viewer's socket at a coordinator. */
export interface Watch {
  socketId: string;
  credentialId: string;
  executionId: string;
}

export interface FeedApi {
  publish(message: FeedMessage): Promise<void>;
  /** Told by a coordinator of each viewer. False when its credential was revoked: the socket has to close. */
  watch(watch: Watch): Promise<boolean>;
  /** That viewer's socket is closed. */
  unwatch(socketId: string): Promise<void>;
  /** Ends every feed and viewer socket that a credential opened. Safe to repeat. */
  revoke(credentialId: string): Promise<void>;
}
