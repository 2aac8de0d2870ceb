import { useMutation, usePrefetchQuery, useQueryClient } from "@tanstack/react-query";
import type { JoinTokenCreate, JoinTokenCreated, Pool } from "#protocol/api/pools.ts";
import { messageOf } from "../../api/errors.ts";
import { agentKeys, createJoinToken } from "../../api/queries/agents.ts";
import { releaseOfferQuery } from "../../api/queries/releases.ts";
import { Button } from "../../components/Button.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { InstallSteps } from "./InstallSteps.tsx";
import { JoinTokenForm } from "./JoinTokenForm.tsx";

interface Props {
  pools: readonly Pool[];
  initialPool: string | undefined;
  onClose(): void;
}

const FORM = "join-token";

/** Makes a join token and walks through what to run on the machine, until the agent shows up. */
export function AddAgentDialog({ pools, initialPool, onClose }: Props) {
  const queries = useQueryClient();
  usePrefetchQuery(releaseOfferQuery);
  const make = useMutation({
    mutationFn: (wish: JoinTokenCreate) => createJoinToken(wish),
    onSuccess: () => queries.invalidateQueries({ queryKey: agentKeys.joinTokens }),
  });
  const token: JoinTokenCreated | undefined = make.data;
  const pool = pools.find(({ id }) => id === token?.poolId);
  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && onClose()}
      title={pool ? `Add an agent to ${pool.name}` : "Add an agent"}
      description={
        token
          ? "Run this on the machine whose agent it will be."
          : "A token lets machines join: one, within 15 minutes, unless you say otherwise."
      }
      actions={
        token ? (
          <Button onClick={onClose}>Close</Button>
        ) : (
          <Button variant="primary" type="submit" form={FORM} busy={make.isPending}>
            Create join token
          </Button>
        )
      }
    >
      {token ? (
        <InstallSteps
          token={token}
          onRenew={() => make.variables && make.mutate(make.variables)}
          renewing={make.isPending}
        />
      ) : (
        <JoinTokenForm
          id={FORM}
          pools={pools}
          initialPool={initialPool}
          problem={make.isError ? messageOf(make.error) : undefined}
          onSubmit={(wish) => make.mutate(wish)}
        />
      )}
    </Dialog>
  );
}
