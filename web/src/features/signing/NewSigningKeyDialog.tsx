import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { messageOf } from "../../api/errors.ts";
import { meQuery } from "../../api/queries/me.ts";
import { registerSigningKey, signingKeyKeys } from "../../api/queries/signatures.ts";
import { Button } from "../../components/Button.tsx";
import { CommandLine } from "../../components/CommandLine.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { Field } from "../../components/Field.tsx";
import { Input } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";
import { type KeyOwner, makeBrowserKey } from "../../signing/browserKey.ts";
import { useKeyOwner } from "./useBrowserKey.ts";

/** Makes a key in this browser and registers its public half; then shows what hosts are told of it. */
export function NewSigningKeyDialog({ onClose }: { onClose(): void }) {
  const { data: me } = useQuery(meQuery);
  const owner = useKeyOwner();
  const queries = useQueryClient();
  const create = useMutation({
    mutationFn: ({ name, owner }: { name: string; owner: KeyOwner }) => createKey(name, owner),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: signingKeyKeys.all }),
        queries.invalidateQueries({ queryKey: signingKeyKeys.own }),
      ]),
  });
  const { register, handleSubmit, formState } = useForm({
    defaultValues: { name: me?.actor.name ?? "" },
  });
  const submit = handleSubmit(({ name }) => owner && create.mutate({ name: name.trim(), owner }));
  const close = (open: boolean) => !open && onClose();
  if (create.data) {
    const { fingerprint, publicKey } = create.data;
    return (
      <Dialog
        open
        onOpenChange={close}
        title="Your signing key"
        description="Read the fingerprint to whoever looks after the hosts, over the phone or face to face. They name the public key there."
        actions={
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <div className="flex flex-col gap-4">
          <section className="flex flex-col gap-1.5">
            <h3 className="font-medium">Fingerprint</h3>
            <CommandLine command={fingerprint} what="fingerprint" />
          </section>
          <section className="flex flex-col gap-1.5">
            <h3 className="font-medium">Public key</h3>
            <CommandLine command={publicKey} what="public key" />
          </section>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onOpenChange={close}
      title="New signing key"
      description="It is made in this browser, and its private half stays here: nobody can read it out, and it is gone with the browser's data."
    >
      <form onSubmit={submit} noValidate className="flex flex-col gap-5">
        <Field label="Name" hint="Whose it is." error={formState.errors.name?.message}>
          {(control) => (
            <Input
              {...control}
              autoComplete="off"
              maxLength={100}
              {...register("name", { validate: (name) => name.trim() !== "" || "Give the key a name." })}
            />
          )}
        </Field>
        {create.isError && (
          <Notice tone="bad" role="alert">
            {messageOf(create.error)}
          </Notice>
        )}
        <div className="flex justify-end">
          <Button type="submit" variant="primary" busy={create.isPending}>
            Make key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Kept only once it is registered, so that nothing is signed with a key that nobody knows. */
async function createKey(name: string, owner: KeyOwner) {
  const { key, keep } = await makeBrowserKey();
  const registered = await registerSigningKey(owner.organizationId, name, key);
  await keep(owner);
  return registered;
}
