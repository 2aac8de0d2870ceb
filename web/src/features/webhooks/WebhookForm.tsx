import { useForm } from "react-hook-form";
import type { WebhookCreate } from "#protocol/api/webhooks.ts";
import { NOTIFICATION_TYPES } from "#protocol/notifications.ts";
import { messageOf } from "../../api/errors.ts";
import { Button } from "../../components/Button.tsx";
import { CheckGroup } from "../../components/CheckGroup.tsx";
import { Field } from "../../components/Field.tsx";
import { CheckField, Input } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";
import { EVENT_WORDS } from "./events.ts";

interface Props {
  initial: WebhookCreate;
  /** The verb on the button. */
  action: string;
  onSubmit(input: WebhookCreate): void;
  busy: boolean;
  error: unknown;
}

export function WebhookForm({ initial, action, onSubmit, busy, error }: Props) {
  const { register, handleSubmit, formState } = useForm<WebhookCreate>({ defaultValues: initial });
  const { errors } = formState;
  return (
    <form onSubmit={handleSubmit(onSubmit)} noValidate className="flex flex-col gap-5">
      <Field
        label="Name"
        hint="Who is told, such as “chat of the on-call team”."
        error={errors.name?.message}
      >
        {(control) => (
          <Input
            {...control}
            autoComplete="off"
            maxLength={100}
            {...register("name", { validate: (name) => name.trim() !== "" || "Give the webhook a name." })}
          />
        )}
      </Field>
      <Field
        label="Address"
        hint="A public https address; each event is posted there."
        error={errors.url?.message}
      >
        {(control) => (
          <Input
            {...control}
            type="url"
            autoComplete="off"
            placeholder="https://hooks.example.com/farhand"
            maxLength={2_000}
            {...register("url", { validate: (url) => url.trim() !== "" || "Enter an address." })}
          />
        )}
      </Field>
      <CheckGroup legend="What it is told of" error={errors.events?.message}>
        {NOTIFICATION_TYPES.map((type) => (
          <CheckField
            key={type}
            value={type}
            {...register("events", { validate: (events) => events.length > 0 || "Choose at least one." })}
          >
            {EVENT_WORDS[type]}
          </CheckField>
        ))}
      </CheckGroup>
      {error !== null && (
        <Notice tone="bad" role="alert">
          {messageOf(error)}
        </Notice>
      )}
      <div className="flex justify-end">
        <Button type="submit" variant="primary" busy={busy}>
          {action}
        </Button>
      </div>
    </form>
  );
}
