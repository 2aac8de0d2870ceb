import { useState } from "react";
import { cancelExecution } from "../../api/queries/executions.ts";
import { Button } from "../../components/Button.tsx";
import { ConfirmedAction } from "../../components/ConfirmedAction.tsx";

/** The way out when a cancel hangs, with what it costs said first. */
export function ForceCancelButton({ executionId }: { executionId: string }) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button size="sm" onClick={() => setAsking(true)}>
        Cancel by force…
      </Button>
      <ConfirmedAction
        open={asking}
        onOpenChange={setAsking}
        title="Cancel by force?"
        action="Cancel by force"
        dismiss="Keep waiting"
        failure="It was not canceled by force"
        act={() => cancelExecution(executionId, { force: true })}
      >
        <p>
          The execution ends at once, without waiting for anybody. Where an agent cannot be reached, its
          processes may go on running, and nobody will tell you: look at those machines yourself.
        </p>
        <p>What the runbook does at the end is left out, and nothing more is undone.</p>
      </ConfirmedAction>
    </>
  );
}
