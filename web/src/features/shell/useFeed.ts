import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { toast } from "sonner";
import { meQuery } from "../../api/queries/me.ts";
import { openFeed } from "../../live/feed.ts";
import type { ConnectionStatus } from "../../live/liveSocket.ts";
import { applyFeedMessage, refreshLists } from "./feedCache.ts";

/** Keeps every list current while somebody is logged in; returns how the connection is. */
export function useFeed(): ConnectionStatus {
  const queries = useQueryClient();
  const [status, setStatus] = useState<ConnectionStatus>("connecting");
  useEffect(
    () =>
      openFeed({
        onMessage: (message) => {
          applyFeedMessage(queries, message);
          if (message.type === "agent.quarantined") {
            toast.error(`${message.name} is in quarantine`, {
              description: "Two machines use its key. Both are stopped.",
            });
          }
        },
        onResync: () => refreshLists(queries),
        onStatus: (next) => {
          setStatus(next);
          // A socket that was refused or lost cannot say that the session is over; asking who we are can.
          if (next === "reconnecting" || next === "connecting")
            void queries.invalidateQueries({ queryKey: meQuery.queryKey });
        },
      }),
    [queries],
  );
  return status;
}
