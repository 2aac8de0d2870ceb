import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { toast } from "sonner";
import type { Pool } from "#protocol/api/pools.ts";
import { poolAgentVersionSchema } from "#protocol/update.ts";
import { messageOf } from "../../api/errors.ts";
import { agentKeys, changePool } from "../../api/queries/agents.ts";
import { Button } from "../../components/Button.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { Field } from "../../components/Field.tsx";
import { Input } from "../../components/Input.tsx";

const WORDS: Record<string, string> = { latest: "newest version", any: "any version" };

export function versionWords({ agentVersion }: Pool): string {
  return WORDS[agentVersion] ?? `version ${agentVersion}`;
}

export function PoolVersionDialog({ pool, onClose }: { pool: Pool; onClose(): void }) {
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Version of the agents in ${pool.name}`}
      description="What agents are told to have. Whether and when one takes it is decided by the policy of its host, and none goes back to an older version."
    >
      <VersionForm pool={pool} onDone={onClose} />
    </Dialog>
  );
}

function VersionForm({ pool, onDone }: { pool: Pool; onDone(): void }) {
  const queries = useQueryClient();
  const { register, handleSubmit, setError, formState } = useForm({
    defaultValues: { agentVersion: pool.agentVersion },
  });
  const change = useMutation({
    mutationFn: (agentVersion: string) => changePool(pool.id, { agentVersion }),
    onSuccess: async (changed) => {
      toast.success(`The agents of ${pool.name} are told: ${versionWords(changed)}`);
      await queries.invalidateQueries({ queryKey: agentKeys.pools });
      onDone();
    },
    onError: (error) => setError("agentVersion", { message: messageOf(error) }),
  });
  const submit = handleSubmit(({ agentVersion }) => change.mutate(agentVersion.trim()));
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <Field
        label="Version"
        hint="latest for the newest release, any to leave agents alone, or a release such as 1.4.0."
        error={formState.errors.agentVersion?.message}
      >
        {(control) => (
          <Input
            {...control}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            {...register("agentVersion", {
              validate: (text) => {
                const checked = poolAgentVersionSchema.safeParse(text.trim());
                return checked.success || "Write latest, any, or a version such as 1.4.0.";
              },
            })}
          />
        )}
      </Field>
      <div className="flex justify-end">
        <Button type="submit" variant="primary" busy={change.isPending}>
          Save
        </Button>
      </div>
    </form>
  );
}
