import { useMutation } from "@tanstack/react-query";
import { StepForward } from "lucide-react";
import { useNavigate } from "react-router";
import { toast } from "sonner";
import { messageOf } from "../../api/errors.ts";
import { retryExecution } from "../../api/queries/executions.ts";
import { Button } from "../../components/Button.tsx";
import { paths } from "../../routes/paths.ts";

/** Starts a new execution that takes over what succeeded and begins where this one failed. */
export function RetryButton({ executionId }: { executionId: string }) {
  const navigate = useNavigate();
  const retry = useMutation({
    mutationFn: () => retryExecution(executionId, crypto.randomUUID()),
    onSuccess: (started) => navigate(paths.execution(started.id)),
    onError: (error) => toast.error("It was not retried", { description: messageOf(error) }),
  });
  return (
    <Button busy={retry.isPending} onClick={() => retry.mutate()}>
      {!retry.isPending && <StepForward aria-hidden />}
      Retry failed
    </Button>
  );
}
