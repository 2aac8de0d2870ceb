import { useMutation, useQueryClient } from "@tanstack/react-query";
import { toast } from "sonner";
import type { Agent } from "#protocol/api/pools.ts";
import { messageOf } from "../../api/errors.ts";
import { agentKeys, revokeAgent } from "../../api/queries/agents.ts";
import { ConfirmDialog } from "../../components/ConfirmDialog.tsx";

export function RevokeAgentDialog({
  agent,
  open,
  onOpenChange,
}: {
  agent: Agent;
  open: boolean;
  onOpenChange(open: boolean): void;
}) {
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => revokeAgent(agent.id),
    onSuccess: async () => {
      toast.success(`${agent.name} is revoked`);
      await queries.invalidateQueries({ queryKey: agentKeys.agents });
    },
    onError: (error) => toast.error("The agent was not revoked", { description: messageOf(error) }),
    onSettled: () => onOpenChange(false),
  });
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Revoke ${agent.name}?`}
      action="Revoke agent"
      busy={revoke.isPending}
      onConfirm={() => revoke.mutate()}
    >
      <p>Its connection ends within seconds and its key is never accepted again.</p>
      <p>To bring the machine back, it has to enroll anew with a fresh token.</p>
    </ConfirmDialog>
  );
}
