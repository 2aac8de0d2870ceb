import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { Webhook, WebhookCreate } from "#protocol/api/webhooks.ts";
import { updateWebhook, webhookKeys } from "../../api/queries/webhooks.ts";
import { Dialog } from "../../components/Dialog.tsx";
import { WebhookForm } from "./WebhookForm.tsx";

export function EditWebhookDialog({ webhook, onClose }: { webhook: Webhook; onClose(): void }) {
  const queries = useQueryClient();
  const { id, name, url, events } = webhook;
  const update = useMutation({
    mutationFn: (input: WebhookCreate) => updateWebhook(id, input),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: webhookKeys.all });
      onClose();
    },
  });
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="Edit webhook">
      <WebhookForm
        initial={{ name, url, events }}
        action="Save"
        onSubmit={update.mutate}
        busy={update.isPending}
        error={update.error}
      />
    </Dialog>
  );
}
