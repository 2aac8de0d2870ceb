import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import { messageOf } from "../../api/errors.ts";
import { cancelExecution } from "../../api/queries/executions.ts";
import { Button } from "../../components/Button.tsx";
import { ConfirmDialog } from "../../components/ConfirmDialog.tsx";

/** The way out when a cancel hangs, with what it costs said first. */
export function ForceCancelButton({ executionId }: { executionId: string }) {
  const [asking, setAsking] = useState(false);
  const force = useMutation({
    mutationFn: () => cancelExecution(executionId, { force: true }),
    onError: (error) => toast.error("It was not canceled by force", { description: messageOf(error) }),
    onSettled: () => setAsking(false),
  });
  return (
    <>
      <Button size="sm" busy={force.isPending} onClick={() => setAsking(true)}>
        Cancel by force…
      </Button>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title="Cancel by force?"
        action="Cancel by force"
        dismiss="Keep waiting"
        busy={force.isPending}
        onConfirm={() => force.mutate()}
      >
        <p>
          The execution ends at once, without waiting for anybody. Where an agent cannot be reached, its
          processes may go on running, and nobody will tell you: look at those machines yourself.
        </p>
        <p>What the runbook does at the end is left out, and nothing more is undone.</p>
      </ConfirmDialog>
    </>
  );
}
