import { useEffect } from "react";
import { useBlocker } from "react-router";
import { ConfirmDialog } from "../../components/ConfirmDialog.tsx";
import { paths } from "../../routes/paths.ts";

/** Asks before unsaved text is left behind. Not on the way to log in again: the draft waits on this device. */
export function LeaveGuard({ when }: { when: boolean }) {
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) =>
      when && currentLocation.pathname !== nextLocation.pathname && nextLocation.pathname !== paths.logIn,
  );
  useEffect(() => {
    if (!when) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [when]);
  return (
    <ConfirmDialog
      open={blocker.state === "blocked"}
      onOpenChange={(open) => {
        if (!open) blocker.reset?.();
      }}
      title="Leave without saving?"
      action="Leave"
      dismiss="Stay here"
      onConfirm={() => blocker.proceed?.()}
    >
      <p>
        Your changes are not saved as a version yet. In this tab they come back when you edit this runbook
        again.
      </p>
    </ConfirmDialog>
  );
}
