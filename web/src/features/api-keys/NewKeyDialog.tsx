import { useMutation, useQueryClient } from "@tanstack/react-query";
import { apiKeyKeys, createApiKey } from "../../api/queries/apiKeys.ts";
import { Button } from "../../components/Button.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { KeyCreated } from "./KeyCreated.tsx";
import { KeyForm } from "./KeyForm.tsx";

/** Asks what the key may do, then shows it: once. */
export function NewKeyDialog({ onClose }: { onClose(): void }) {
  const queries = useQueryClient();
  const create = useMutation({
    mutationFn: createApiKey,
    onSuccess: () => queries.invalidateQueries({ queryKey: apiKeyKeys.all }),
  });
  if (create.data) {
    return (
      <Dialog
        open
        onOpenChange={(open) => !open && onClose()}
        title="Your new key"
        description="Copy it now: it is shown this once. Only its hash is kept."
        actions={
          <Button variant="primary" onClick={onClose}>
            I have copied it
          </Button>
        }
      >
        <KeyCreated created={create.data} />
      </Dialog>
    );
  }
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="New API key">
      <KeyForm onSubmit={create.mutate} busy={create.isPending} error={create.error} />
    </Dialog>
  );
}
