/**
 * What the rest of the worker may ask of an OrganizationFeed, whose name is the
 * organization's id. Browsers reach it through `fetch` with path `/feed`
 * (WebSocket upgrade), after the worker has checked who they are.
 */
import type { FeedMessage } from "#protocol/feed.ts";

export interface FeedApi {
  publish(message: FeedMessage): Promise<void>;
}
