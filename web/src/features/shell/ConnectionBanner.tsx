import { WifiOff } from "lucide-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import type { ConnectionStatus } from "../../live/liveSocket.ts";

/** A short drop is no news: most connections are back before this. */
const PATIENCE_MS = 3_000;

/** Says when what is on the screen is not current. */
export function ConnectionBanner({ status }: { status: ConnectionStatus }) {
  const online = useSyncExternalStore(subscribeOnline, () => navigator.onLine);
  const late = useDelayed(status === "reconnecting", PATIENCE_MS);
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

/** True once the condition has held for a while. */
function useDelayed(condition: boolean, ms: number): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!condition) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), ms);
    return () => clearTimeout(timer);
  }, [condition, ms]);
  return late;
}
