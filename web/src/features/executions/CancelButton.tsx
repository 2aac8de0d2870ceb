import { useMutation } from "@tanstack/react-query";
import { CircleStop } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { ApiError, messageOf } from "../../api/errors.ts";
import { cancelExecution } from "../../api/queries/executions.ts";
import { Button } from "../../components/Button.tsx";
import { ConfirmDialog } from "../../components/ConfirmDialog.tsx";

/** Asks, then asks the server; the page shows the rest as it happens. */
export function CancelButton({ executionId }: { executionId: string }) {
  const [asking, setAsking] = useState(false);
  const cancel = useMutation({
    mutationFn: () => cancelExecution(executionId, { force: false }),
    onError: (error) => {
      // It ended a moment before: that is what was wanted.
      if (error instanceof ApiError && error.code === "invalid_state") return;
      toast.error("It was not canceled", { description: messageOf(error) });
    },
    onSettled: () => setAsking(false),
  });
  const under = cancel.isSuccess;
  return (
    <>
      <Button className="max-sm:flex-1" busy={under} onClick={() => setAsking(true)}>
        {!under && <CircleStop className="text-bad" aria-hidden />}
        {under ? "Canceling…" : "Cancel"}
      </Button>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title="Cancel this execution?"
        action="Cancel execution"
        dismiss="Let it run"
        busy={cancel.isPending}
        onConfirm={() => cancel.mutate()}
      >
        <p>
          The running step is interrupted, and killed after ten seconds if it does not stop. What it has done
          so far stays done. Later steps do not run.
        </p>
      </ConfirmDialog>
    </>
  );
}
