/** The organization's feed: one socket for the whole app while somebody is logged in. */
import { type FeedMessage, feedMessageSchema } from "#protocol/feed.ts";
import { parseFrame } from "#protocol/socket.ts";
import { type ConnectionStatus, LiveSocket } from "./liveSocket.ts";

export interface FeedHandlers {
  onMessage(message: FeedMessage): void;
  /** Connected after being away: what was missed has to be read again. */
  onResync(): void;
  onStatus(status: ConnectionStatus): void;
}

/** Opens the feed; the returned function closes it. */
export function openFeed(handlers: FeedHandlers): () => void {
  const socket = new LiveSocket("/api/v1/feed", {
    onOpen: () => handlers.onResync(),
    onText: (text) => {
      const parsed = parseFrame(feedMessageSchema, text);
      if (parsed.ok) handlers.onMessage(parsed.message);
    },
    onStatus: (status) => handlers.onStatus(status),
  });
  return () => socket.close();
}
