import { useQuery } from "@tanstack/react-query";
import { KeySquare, Plus } from "lucide-react";
import { useState } from "react";
import type { Agent } from "#protocol/api/pools.ts";
import type { Secret } from "#protocol/api/secrets.ts";
import { everyAgentQuery } from "../../api/queries/agents.ts";
import { secretsQuery } from "../../api/queries/secrets.ts";
import { Button } from "../../components/Button.tsx";
import { CommandLine } from "../../components/CommandLine.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { Card, Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { SkeletonRows } from "../../components/Skeleton.tsx";
import { SealDialog } from "./SealDialog.tsx";
import { SecretRow } from "./SecretRow.tsx";

/** Which secrets agents hold, by name, and a way to send them more. Values never come here. */
export function SecretsPage() {
  const secrets = useQuery(secretsQuery);
  const { data: agents = [] } = useQuery(everyAgentQuery);
  const [sealing, setSealing] = useState<{ secret?: Secret; agents?: readonly Agent[] | undefined }>();
  const add = (
    <Button variant="primary" onClick={() => setSealing({})}>
      <Plus aria-hidden />
      Add a secret
    </Button>
  );
  return (
    <Page>
      <PageHeader
        title="Secrets"
        description="The names of what your agents hold. Values stay on their hosts: they are never sent here in the clear, and are taken out of all output before it leaves."
        actions={secrets.data && secrets.data.length > 0 && add}
      />
      <Card>
        {secrets.error ? (
          <ErrorState what="The secrets" error={secrets.error} onRetry={() => secrets.refetch()} />
        ) : secrets.isPending ? (
          <SkeletonRows rows={3} />
        ) : secrets.data.length === 0 ? (
          <EmptyState icon={<KeySquare />} title="No agent holds a secret yet" actions={add}>
            <p>
              Seal one to your agents here, or put it on an agent’s host. Runbooks then name it: in a command
              with <code className="font-mono text-[0.8125rem]">secrets=db-password</code>. Agents also take
              secrets from files, programs, systemd and HashiCorp Vault.
            </p>
            <div className="mt-4 text-left">
              <CommandLine command="farhand-agent secrets set db-password" />
            </div>
          </EmptyState>
        ) : (
          <ul aria-label="Secrets" className="divide-y divide-line">
            {secrets.data.map((secret) => (
              <SecretRow
                key={secret.name}
                secret={secret}
                agents={agents}
                onSeal={(chosen) => setSealing({ secret, agents: chosen })}
              />
            ))}
          </ul>
        )}
      </Card>
      {sealing && (
        <SealDialog secret={sealing.secret} agents={sealing.agents} onClose={() => setSealing(undefined)} />
      )}
    </Page>
  );
}
