import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { JoinTokenCreated, Pool } from "#protocol/api/pools.ts";
import { messageOf } from "../../api/errors.ts";
import { createJoinToken } from "../../api/queries/agents.ts";
import { Button } from "../../components/Button.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { Field } from "../../components/Field.tsx";
import { Select } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";
import { InstallSteps } from "./InstallSteps.tsx";

interface Props {
  pools: readonly Pool[];
  initialPool: string | undefined;
  onClose(): void;
}

/** Makes a join token and walks through what to run on the machine, until the agent shows up. */
export function AddAgentDialog({ pools, initialPool, onClose }: Props) {
  const [poolId, setPoolId] = useState(initialPool ?? pools[0]?.id ?? "");
  const make = useMutation({ mutationFn: () => createJoinToken(poolId) });
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
          ? "Run this on the machine, as the user that should run your commands. It needs Node 22.2 or newer."
          : "A token lets one machine join, once, within 15 minutes."
      }
      actions={
        token ? (
          <Button onClick={onClose}>Close</Button>
        ) : (
          <Button
            variant="primary"
            busy={make.isPending}
            disabled={poolId === ""}
            onClick={() => make.mutate()}
          >
            Create join token
          </Button>
        )
      }
    >
      {token ? (
        <InstallSteps token={token} onRenew={() => make.mutate()} renewing={make.isPending} />
      ) : (
        <div className="flex flex-col gap-4">
          <Field label="Pool" hint="Runbooks name a pool as their target; default when they name none.">
            {(control) => (
              <Select {...control} value={poolId} onChange={(event) => setPoolId(event.target.value)}>
                {pools.map(({ id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          {make.isError && (
            <Notice tone="bad" role="alert">
              {messageOf(make.error)}
            </Notice>
          )}
        </div>
      )}
    </Dialog>
  );
}
