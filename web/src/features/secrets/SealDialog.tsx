import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import { toast } from "sonner";
import type { Agent } from "#protocol/api/pools.ts";
import type { Secret } from "#protocol/api/secrets.ts";
import { messageOf } from "../../api/errors.ts";
import { everyAgentQuery } from "../../api/queries/agents.ts";
import { meQuery } from "../../api/queries/me.ts";
import { secretsQuery } from "../../api/queries/secrets.ts";
import { Button } from "../../components/Button.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { Field } from "../../components/Field.tsx";
import { CheckField, Input, Select, TextArea } from "../../components/Input.tsx";
import { Notice } from "../../components/Notice.tsx";
import { RecipientList } from "./RecipientList.tsx";
import { candidatesOf, SealProblem, sealAndSend } from "./seal.ts";

const FORM = "seal-secret";

interface Props {
  /** The secret to replace, or to seal for others; a new one when absent. */
  secret: Secret | undefined;
  /** Who is chosen at first; all of a pool when absent. */
  agents: readonly Agent[] | undefined;
  onClose(): void;
}

/** Seals a value to agents. It is in no state of this app: only in the field, until it is sealed. */
export function SealDialog({ secret, agents, onClose }: Props) {
  const { data: me } = useQuery(meQuery);
  const { data: all } = useQuery(everyAgentQuery);
  const listed = (all ?? []).filter(({ revokedAt }) => !revokedAt);
  const pools = [...new Map(listed.map(({ poolId, poolName }) => [poolId, poolName]))];
  const first = agents?.[0]?.poolId ?? poolOf(secret, listed) ?? pools[0]?.[0];
  const [chosenPool, setChosenPool] = useState<string>();
  const pool = chosenPool ?? first;
  const shown = listed.filter(({ id, poolId }) =>
    agents ? agents.some((one) => one.id === id) : poolId === pool,
  );
  const organizationId = me?.organization.id;
  const candidates = useQuery({
    queryKey: [
      "recipients",
      organizationId,
      shown.map(({ id, publicKey, sealing }) => [id, publicKey, sealing]),
    ],
    queryFn: () => candidatesOf(organizationId ?? "", shown),
    enabled: organizationId !== undefined,
  });
  const [leftOut, setLeftOut] = useState<ReadonlySet<string>>(new Set());
  const recipients = (candidates.data ?? []).flatMap(({ found }) =>
    found.ok && !leftOut.has(found.recipient.agentId) ? [found.recipient] : [],
  );
  const [name, setName] = useState(secret?.name ?? "");
  const value = useRef<HTMLTextAreaElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const [isShown, setIsShown] = useState(false);
  const queries = useQueryClient();

  const seal = useMutation({
    mutationFn: async () => {
      const known = (await queries.fetchQuery(secretsQuery)).find((each) => each.name === name);
      const typed = new TextEncoder().encode(value.current?.value);
      const [chosen] = file.current?.files ?? [];
      const bytes = chosen ? new Uint8Array(await chosen.arrayBuffer()) : typed;
      await sealAndSend({ organizationId: organizationId ?? "", name, value: bytes, recipients, known });
    },
    onSuccess: async () => {
      form.current?.reset();
      await queries.invalidateQueries({ queryKey: secretsQuery.queryKey });
      toast.success(`${name} is sealed and on its way`);
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!seal.isPending) seal.mutate();
  };
  const problem = seal.error ?? candidates.error;

  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && onClose()}
      title={secret ? `Seal ${secret.name}` : "Add a secret"}
      description="The value is sealed in this page to the keys of the agents. What is sent can be opened on their hosts alone."
      actions={
        <Button variant="primary" type="submit" form={FORM} busy={seal.isPending}>
          Seal and send
        </Button>
      }
    >
      <form id={FORM} ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
        {!secret && (
          <Field label="Name" hint="As runbooks name it, such as db-password.">
            {(control) => (
              <Input
                {...control}
                value={name}
                onChange={(event) => setName(event.target.value.trim())}
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
                maxLength={63}
              />
            )}
          </Field>
        )}
        <Field label="Value" hint="At most 64 KiB, at least 6 bytes.">
          {(control) => (
            <TextArea
              {...control}
              ref={value}
              autoComplete="off"
              autoCapitalize="off"
              // Some browsers send what they check elsewhere.
              spellCheck={false}
              className={isShown ? "font-mono" : "font-mono [-webkit-text-security:disc]"}
            />
          )}
        </Field>
        <CheckField checked={isShown} onChange={(event) => setIsShown(event.target.checked)}>
          Show what I type
        </CheckField>
        <Field label="Or a file" optional hint="Its bytes as they are, instead of what is typed.">
          {(control) => (
            <Input
              {...control}
              ref={file}
              type="file"
              className="py-1 file:mr-3 file:font-medium file:text-link pointer-coarse:py-2"
            />
          )}
        </Field>
        {!agents && pools.length > 1 && (
          <Field label="Pool">
            {(control) => (
              <Select {...control} value={pool} onChange={(event) => setChosenPool(event.target.value)}>
                {pools.map(([id, poolName]) => (
                  <option key={id} value={id}>
                    {poolName}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        )}
        <RecipientList candidates={candidates.data} leftOut={leftOut} onLeaveOut={setLeftOut} />
        {problem && (
          <Notice tone="bad" role="alert">
            {problem instanceof SealProblem ? problem.message : messageOf(problem)}
          </Notice>
        )}
      </form>
    </Dialog>
  );
}

/** The pool in which it is already. */
function poolOf(secret: Secret | undefined, agents: readonly Agent[]): string | undefined {
  const ids = new Set(
    [...(secret?.agents ?? []), ...(secret?.deliveries ?? []).map(({ agent }) => agent)].map(({ id }) => id),
  );
  return agents.find(({ id }) => ids.has(id))?.poolId;
}
