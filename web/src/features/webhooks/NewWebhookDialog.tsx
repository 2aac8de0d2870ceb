import { useMutation, useQueryClient } from "@tanstack/react-query";
import { createWebhook, webhookKeys } from "../../api/queries/webhooks.ts";
import { Dialog } from "../../components/Dialog.tsx";
import { SecretDialog } from "./SecretDialog.tsx";
import { WebhookForm } from "./WebhookForm.tsx";

/** Asks what to tell whom, then shows the secret: once. */
export function NewWebhookDialog({ onClose }: { onClose(): void }) {
  const queries = useQueryClient();
  const create = useMutation({
    mutationFn: createWebhook,
    onSuccess: () => queries.invalidateQueries({ queryKey: webhookKeys.all }),
  });
  if (create.data) return <SecretDialog secret={create.data.secret} onClose={onClose} />;
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="New webhook">
      <WebhookForm
        initial={{ name: "", url: "", events: ["execution.finished", "agent.quarantined"] }}
        action="Create webhook"
        onSubmit={create.mutate}
        busy={create.isPending}
        error={create.error}
      />
    </Dialog>
  );
}
