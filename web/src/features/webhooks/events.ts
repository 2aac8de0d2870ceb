import type { NotificationType } from "#protocol/notifications.ts";

/** What each event is, in words. */
export const EVENT_WORDS = {
  "execution.finished": "An execution has ended",
  "agent.quarantined": "An agent gets no work until somebody looks at it",
  "agent.revoked": "An agent was revoked",
} as const satisfies Record<NotificationType, string>;
