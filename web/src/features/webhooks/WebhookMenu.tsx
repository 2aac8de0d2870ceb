import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Ellipsis, KeyRound, Pencil, Power, Trash2 } from "lucide-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import { toast } from "sonner";
import type { Webhook } from "#protocol/api/webhooks.ts";
import { messageOf } from "../../api/errors.ts";
import { deleteWebhook, updateWebhook, webhookKeys } from "../../api/queries/webhooks.ts";
import { ConfirmedAction } from "../../components/ConfirmedAction.tsx";
import { DropdownMenu, MenuItem, MenuSeparator } from "../../components/DropdownMenu.tsx";
import { IconButton } from "../../components/IconButton.tsx";
import { paths } from "../../routes/paths.ts";
import { EditWebhookDialog } from "./EditWebhookDialog.tsx";
import { RotateSecretDialog } from "./RotateSecretDialog.tsx";

export function WebhookMenu({ webhook }: { webhook: Webhook }) {
  const [open, setOpen] = useState<"edit" | "rotate" | "delete">();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const close = () => setOpen(undefined);
  const enable = useMutation({
    mutationFn: () => updateWebhook(webhook.id, { enabled: !webhook.enabled }),
    onSuccess: () => queries.invalidateQueries({ queryKey: webhookKeys.all }),
    onError: (error) => toast.error("The webhook was not changed", { description: messageOf(error) }),
  });
  const remove = async () => {
    await deleteWebhook(webhook.id);
    toast.success(`${webhook.name} is deleted`);
    await navigate(paths.webhooks, { replace: true });
    queries.removeQueries({ queryKey: webhookKeys.one(webhook.id) });
    await queries.invalidateQueries({ queryKey: webhookKeys.all });
  };
  return (
    <>
      <DropdownMenu trigger={<IconButton label="More" icon={<Ellipsis />} variant="secondary" />}>
        <MenuItem icon={<Pencil aria-hidden />} onSelect={() => setOpen("edit")}>
          Edit…
        </MenuItem>
        <MenuItem icon={<KeyRound aria-hidden />} onSelect={() => setOpen("rotate")}>
          Rotate secret…
        </MenuItem>
        <MenuItem icon={<Power aria-hidden />} onSelect={() => enable.mutate()}>
          {webhook.enabled ? "Disable" : "Enable"}
        </MenuItem>
        <MenuSeparator />
        <MenuItem danger icon={<Trash2 aria-hidden />} onSelect={() => setOpen("delete")}>
          Delete…
        </MenuItem>
      </DropdownMenu>
      {open === "edit" && <EditWebhookDialog webhook={webhook} onClose={close} />}
      {open === "rotate" && <RotateSecretDialog webhookId={webhook.id} onClose={close} />}
      <ConfirmedAction
        open={open === "delete"}
        onOpenChange={(isOpen) => !isOpen && close()}
        title={`Delete ${webhook.name}?`}
        action="Delete webhook"
        failure="The webhook was not deleted"
        act={remove}
      >
        <p>Nothing is sent there any more, also not what is waiting to be tried again.</p>
      </ConfirmedAction>
    </>
  );
}
