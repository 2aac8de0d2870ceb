import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { toast } from "sonner";
import { poolNameSchema } from "#protocol/blocks/common.ts";
import { messageOf } from "../../api/errors.ts";
import { agentKeys, createPool } from "../../api/queries/agents.ts";
import { Button } from "../../components/Button.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { Field } from "../../components/Field.tsx";
import { Input } from "../../components/Input.tsx";

interface Props {
  open: boolean;
  onOpenChange(open: boolean): void;
}

export function NewPoolDialog({ open, onOpenChange }: Props) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New pool"
      description="A pool is a set of agents that runbooks name as their target, such as prod-eu."
    >
      <PoolForm onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

function PoolForm({ onDone }: { onDone(): void }) {
  const queries = useQueryClient();
  const { register, handleSubmit, setError, formState } = useForm<{ name: string }>();
  const create = useMutation({
    mutationFn: createPool,
    onSuccess: async (pool) => {
      toast.success(`Pool ${pool.name} created`);
      await queries.invalidateQueries({ queryKey: agentKeys.pools });
      onDone();
    },
    onError: (error) => setError("name", { message: messageOf(error) }),
  });
  const submit = handleSubmit(({ name }) => create.mutate(name));
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <Field
        label="Name"
        hint="Lower-case letters, digits and hyphens."
        error={formState.errors.name?.message}
      >
        {(control) => (
          <Input
            {...control}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            {...register("name", {
              validate: (name) => {
                const checked = poolNameSchema.safeParse(name);
                return checked.success || (checked.error.issues[0]?.message ?? "That name does not fit.");
              },
            })}
          />
        )}
      </Field>
      <div className="flex justify-end">
        <Button type="submit" variant="primary" busy={create.isPending}>
          Create pool
        </Button>
      </div>
    </form>
  );
}
