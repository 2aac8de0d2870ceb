import { useQueryClient } from "@tanstack/react-query";
import { toast } from "sonner";
import type { Agent } from "#protocol/api/pools.ts";
import { agentKeys, releaseAgent, revokeAgent } from "../../api/queries/agents.ts";
import { ConfirmedAction } from "../../components/ConfirmedAction.tsx";

interface Props {
  agent: Agent;
  open: boolean;
  onOpenChange(open: boolean): void;
}

export function ReleaseAgentDialog({ agent, ...dialog }: Props) {
  const queries = useQueryClient();
  return (
    <ConfirmedAction
      {...dialog}
      title={`Release ${agent.name}?`}
      action="Release agent"
      dismiss="Not yet"
      failure="The agent was not released"
      act={async () => {
        await releaseAgent(agent.id);
        toast.success(`${agent.name} is released`);
        await queries.invalidateQueries({ queryKey: agentKeys.agents });
      }}
    >
      <p>Stop the copy first, or remove its state directory: it is found again as soon as it connects.</p>
      <p>
        Whichever machine connects next is believed to be this agent. The other enrolls with a fresh token.
      </p>
    </ConfirmedAction>
  );
}

export function RevokeAgentDialog({ agent, ...dialog }: Props) {
  const queries = useQueryClient();
  return (
    <ConfirmedAction
      {...dialog}
      title={`Revoke ${agent.name}?`}
      action="Revoke agent"
      failure="The agent was not revoked"
      act={async () => {
        await revokeAgent(agent.id);
        toast.success(`${agent.name} is revoked`);
        await queries.invalidateQueries({ queryKey: agentKeys.agents });
      }}
    >
      <p>Its connection ends within seconds and its key is never accepted again.</p>
      <p>
        What it runs is ended where it can be told. Where it is out of reach that may run on until its time
        limit.
      </p>
      <p>To bring the machine back, it has to enroll anew with a fresh token.</p>
    </ConfirmedAction>
  );
}
