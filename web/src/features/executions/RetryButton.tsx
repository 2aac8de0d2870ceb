import { StepForward } from "lucide-react";
import { Button } from "../../components/Button.tsx";
import { useRetry } from "./useRetry.ts";

/** Starts a new execution that takes over what succeeded and begins where this one failed. */
export function RetryButton({ executionId }: { executionId: string }) {
  const retry = useRetry(executionId);
  return (
    <Button busy={retry.isPending} onClick={() => retry.mutate({ mode: "failed" })} className="max-sm:flex-1">
      {!retry.isPending && <StepForward aria-hidden />}
      Retry failed
    </Button>
  );
}
