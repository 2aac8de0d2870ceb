import { WifiOff } from "lucide-react";
import { useSyncExternalStore } from "react";
import { useMatch } from "react-router";
import { useDelayed } from "../../components/useDelayed.ts";
import type { ConnectionStatus } from "../../live/liveSocket.ts";
import { paths } from "../../routes/paths.ts";

/** A short drop is no news: most connections are back before this. */
const PATIENCE_MS = 3_000;

/** Says when what is on the screen is not current. */
export function ConnectionBanner({ status }: { status: ConnectionStatus }) {
  const online = useSyncExternalStore(subscribeOnline, () => navigator.onLine);
  // An execution says itself when it stands still.
  const execution = useMatch(paths.execution(":id"));
  const late = useDelayed(status === "reconnecting" && !execution, PATIENCE_MS);
  const text = !online
    ? "You are offline. What you see may be out of date."
    : late
      ? "Connection lost. Trying again; lists may be out of date."
      : undefined;
  return (
    <div role="status">
      {text && (
        <div className="flex items-center justify-center gap-2 border-b border-warn/25 bg-warn-soft px-4 py-1.5 text-center text-[0.8125rem] text-ink">
          <WifiOff className="size-4 shrink-0 text-warn" aria-hidden />
          {text}
        </div>
      )}
    </div>
  );
}

function subscribeOnline(listener: () => void): () => void {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}
