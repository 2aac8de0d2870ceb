import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { toast } from "sonner";
import type { ExecutionRetry } from "#protocol/api/executions.ts";
import { newId } from "#protocol/ids.ts";
import { messageOf } from "../../api/errors.ts";
import { retryExecution } from "../../api/queries/executions.ts";
import { paths } from "../../routes/paths.ts";

/** Retries an execution, and goes to the one that was started. */
export function useRetry(executionId: string) {
  const navigate = useNavigate();
  // One key for each try: a second click meanwhile starts nothing.
  const [key, setKey] = useState(() => newId("request"));
  return useMutation({
    mutationFn: (from: ExecutionRetry) => retryExecution(executionId, from, key),
    onSuccess: (started) => navigate(paths.execution(started.id)),
    onError: (error) => toast.error("It was not retried", { description: messageOf(error) }),
    onSettled: () => setKey(newId("request")),
  });
}
