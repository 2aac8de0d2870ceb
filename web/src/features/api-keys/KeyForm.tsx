import { useForm } from "react-hook-form";
import { SCOPES, type Scope } from "#protocol/actor.ts";
import { messageOf } from "../../api/errors.ts";
import type { ApiKeyInput } from "../../api/queries/apiKeys.ts";
import { Button } from "../../components/Button.tsx";
import { CheckGroup } from "../../components/CheckGroup.tsx";
import { Field } from "../../components/Field.tsx";
import { CheckField, Input, Select } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";

/** What each scope allows, in words. */
const SCOPE_WORDS = {
  "runbooks:read": "See runbooks and their versions",
  "runbooks:write": "Create, change and delete runbooks",
  "executions:read": "See executions and their output",
  "executions:write": "Run runbooks and cancel executions",
  "agents:read": "See pools and agents",
  "secrets:read": "See the names of secrets",
  "secrets:write": "Send agents sealed secrets, and have them forget some",
  "agents:write": "Make pools and join tokens, revoke agents, release them from quarantine",
  "keys:read": "See API keys",
  "keys:write": "Create and revoke API keys",
  "organization:write": "Change what holds for the whole organization",
  "webhooks:read": "See webhooks and what they were sent",
  "webhooks:write": "Make, change, test and delete webhooks",
} as const satisfies Record<Scope, string>;

const USUAL: readonly Scope[] = ["runbooks:read", "executions:read", "executions:write"];
const LIFETIMES = [
  { days: "30", label: "30 days" },
  { days: "90", label: "90 days" },
  { days: "365", label: "1 year" },
  { days: "", label: "Never" },
] as const;

interface Answers {
  name: string;
  scopes: Scope[];
  days: string;
}

interface Props {
  onSubmit(input: ApiKeyInput): void;
  busy: boolean;
  error: unknown;
}

export function KeyForm({ onSubmit, busy, error }: Props) {
  const { register, handleSubmit, formState } = useForm<Answers>({
    defaultValues: { name: "", scopes: [...USUAL], days: "90" },
  });
  const { errors } = formState;
  const submit = handleSubmit(({ name, scopes, days }) =>
    onSubmit({ name: name.trim(), scopes, ...(days !== "" && { expiresInDays: Number(days) }) }),
  );
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-5">
      <Field label="Name" hint="What will use it, such as “nightly backup”." error={errors.name?.message}>
        {(control) => (
          <Input
            {...control}
            autoComplete="off"
            maxLength={100}
            {...register("name", { validate: (name) => name.trim() !== "" || "Give the key a name." })}
          />
        )}
      </Field>
      <CheckGroup legend="What it may do" error={errors.scopes?.message}>
        {SCOPES.map((scope) => (
          <CheckField
            key={scope}
            value={scope}
            {...register("scopes", { validate: (scopes) => scopes.length > 0 || "Choose at least one." })}
          >
            {SCOPE_WORDS[scope]} <code className="font-mono text-[0.75rem] text-muted">{scope}</code>
          </CheckField>
        ))}
      </CheckGroup>
      <Field label="Expires after">
        {(control) => (
          <Select {...control} {...register("days")}>
            {LIFETIMES.map(({ days, label }) => (
              <option key={label} value={days}>
                {label}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {error !== null && (
        <Notice tone="bad" role="alert">
          {messageOf(error)}
        </Notice>
      )}
      <div className="flex justify-end">
        <Button type="submit" variant="primary" busy={busy}>
          Create key
        </Button>
      </div>
    </form>
  );
}
