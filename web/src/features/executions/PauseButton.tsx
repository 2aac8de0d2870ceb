import { useMutation } from "@tanstack/react-query";
import { Pause, Play } from "lucide-react";
import { toast } from "sonner";
import type { Execution } from "#protocol/api/executions.ts";
import { messageOf } from "../../api/errors.ts";
import { controlExecution } from "../../api/queries/executions.ts";
import { Button } from "../../components/Button.tsx";

/** Holds an execution between two steps, and lets it go on. */
export function PauseButton({ execution }: { execution: Execution }) {
  const verb = execution.paused ? "resume" : "pause";
  const control = useMutation({
    mutationFn: () => controlExecution(execution.id, verb),
    onError: (error) => toast.error(`It was not ${verb}d`, { description: messageOf(error) }),
  });
  return (
    <Button className="max-sm:flex-1" busy={control.isPending} onClick={() => control.mutate()}>
      {!control.isPending && (execution.paused ? <Play aria-hidden /> : <Pause aria-hidden />)}
      {execution.paused ? "Resume" : "Pause"}
    </Button>
  );
}
