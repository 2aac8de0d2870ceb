import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { messageOf } from "../../api/errors.ts";
import { rotateSecret, webhookKeys } from "../../api/queries/webhooks.ts";
import { Button } from "../../components/Button.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { Field } from "../../components/Field.tsx";
import { Select } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";
import { SecretDialog } from "./SecretDialog.tsx";

const OVERLAPS = [
  { hours: 24, label: "For a day" },
  { hours: 168, label: "For a week" },
  { hours: 0, label: "Not at all: somebody else may know it" },
] as const;

/** Makes a new secret and shows it: once. */
export function RotateSecretDialog({ webhookId, onClose }: { webhookId: string; onClose(): void }) {
  const [hours, setHours] = useState<number>(OVERLAPS[0].hours);
  const queries = useQueryClient();
  const rotate = useMutation({
    mutationFn: () => rotateSecret(webhookId, hours),
    onSuccess: () => queries.invalidateQueries({ queryKey: webhookKeys.all }),
  });
  if (rotate.data) return <SecretDialog secret={rotate.data.secret} onClose={onClose} />;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Rotate the secret"
      description="Messages are signed with a new secret from now on."
      actions={
        <Button variant="primary" busy={rotate.isPending} onClick={() => rotate.mutate()}>
          Rotate secret
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <Field
          label="The old one signs as well"
          hint="Until the receiver has the new one, it goes on with the old."
        >
          {(control) => (
            <Select {...control} value={hours} onChange={({ target }) => setHours(Number(target.value))}>
              {OVERLAPS.map(({ hours: value, label }) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {rotate.error !== null && (
          <Notice tone="bad" role="alert">
            {messageOf(rotate.error)}
          </Notice>
        )}
      </div>
    </Dialog>
  );
}
