import { useMutation, useQueryClient } from "@tanstack/react-query";
import { toast } from "sonner";
import type { Agent } from "#protocol/api/pools.ts";
import { messageOf } from "../../api/errors.ts";
import { agentKeys, releaseAgent } from "../../api/queries/agents.ts";
import { ConfirmDialog } from "../../components/ConfirmDialog.tsx";

export function ReleaseAgentDialog({
  agent,
  open,
  onOpenChange,
}: {
  agent: Agent;
  open: boolean;
  onOpenChange(open: boolean): void;
}) {
  const queries = useQueryClient();
  const release = useMutation({
    mutationFn: () => releaseAgent(agent.id),
    onSuccess: async () => {
      toast.success(`${agent.name} is released`);
      await queries.invalidateQueries({ queryKey: agentKeys.agents });
    },
    onError: (error) => toast.error("The agent was not released", { description: messageOf(error) }),
    onSettled: () => onOpenChange(false),
  });
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Release ${agent.name}?`}
      action="Release agent"
      busy={release.isPending}
      onConfirm={() => release.mutate()}
    >
      <p>Stop the copy first, or remove its state directory: it is found again as soon as it connects.</p>
      <p>
        Whichever machine connects next is believed to be this agent. The other enrolls with a fresh token.
      </p>
    </ConfirmDialog>
  );
}
