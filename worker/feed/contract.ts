/**
 * What the rest of the worker may ask of an OrganizationFeed, whose name is the
 * organization's id. Browsers reach it through `fetch` with path `/feed`
 * (WebSocket upgrade), after the worker has checked who they are. By which
 * credential travels in headers, here and to coordinators; the worker sets them
 * itself. The feed answers 401 to one that was revoked, and 429 with the reason
 * as text where there are too many sockets.
 */
import type { FeedMessage } from "#protocol/feed.ts";
import type { Caller } from "../identity/caller.ts";

/** The id of an API key or of a session, never the secret itself. */
export const CREDENTIAL_HEADER = "x-farhand-credential";

/** When that credential ends by itself, ms since the epoch; absent when it does not. */
export const EXPIRY_HEADER = "x-farhand-credential-expires";

export interface Credential {
  id: string;
  /** Ms since the epoch. */
  expiresAt?: number;
}

/** The headers that tell an object who opens something there. */
export function credentialHeaders({ credentialId, credentialExpiresAt }: Caller): Record<string, string> {
  return {
    [CREDENTIAL_HEADER]: credentialId,
    ...(credentialExpiresAt !== undefined && { [EXPIRY_HEADER]: String(credentialExpiresAt) }),
  };
}

/** Undefined where nobody was named. */
export function credentialIn(headers: Headers): Credential | undefined {
  const id = headers.get(CREDENTIAL_HEADER);
  const expiry = headers.get(EXPIRY_HEADER);
  if (id === null) return undefined;
  return { id, ...(expiry !== null && { expiresAt: Number(expiry) }) };
}

/** A viewer at a coordinator: a socket, or a stream over plain HTTP. */
export interface Watch {
  viewerId: string;
  credential: Credential;
  executionId: string;
}

export interface FeedApi {
  publish(message: FeedMessage): Promise<void>;
  /** Told by a coordinator of each viewer. False when its credential was revoked: the viewer has to end. */
  watch(watch: Watch): Promise<boolean>;
  /** That viewer has ended. */
  unwatch(viewerId: string): Promise<void>;
  /** Ends everything that a credential opened, as its expiry does. Safe to repeat. */
  revoke(credentialId: string): Promise<void>;
}
