import { useQuery } from "@tanstack/react-query";
import { KeySquare } from "lucide-react";
import type { Secret } from "#protocol/api/secrets.ts";
import { secretsQuery } from "../../api/queries/secrets.ts";
import { Badge } from "../../components/Badge.tsx";
import { CommandLine } from "../../components/CommandLine.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { Card, Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { SkeletonRows } from "../../components/Skeleton.tsx";

/** Which secrets agents hold, by name. There is nothing else to show: values never come here. */
export function SecretsPage() {
  const secrets = useQuery(secretsQuery);
  return (
    <Page>
      <PageHeader
        title="Secrets"
        description="The names of what your agents hold. Values stay on their hosts: they are never sent here, and are taken out of all output before it leaves."
      />
      <Card>
        {secrets.error ? (
          <ErrorState what="The secrets" error={secrets.error} onRetry={() => secrets.refetch()} />
        ) : secrets.isPending ? (
          <SkeletonRows rows={3} />
        ) : secrets.data.length === 0 ? (
          <NoSecrets />
        ) : (
          <ul aria-label="Secrets" className="divide-y divide-line">
            {secrets.data.map((secret) => (
              <SecretRow key={secret.name} secret={secret} />
            ))}
          </ul>
        )}
      </Card>
    </Page>
  );
}

function SecretRow({ secret: { name, agents } }: { secret: Secret }) {
  const byType = Map.groupBy(agents, ({ type }) => type);
  return (
    <li className="grid gap-x-4 gap-y-1.5 px-4 py-3 sm:grid-cols-[minmax(0,1fr)_minmax(0,2fr)]">
      <h2 className="font-mono font-medium wrap-anywhere">{name}</h2>
      <ul className="flex min-w-0 flex-col gap-1.5">
        {[...byType].map(([type, holders]) => (
          <li key={type} className="flex flex-wrap items-center gap-1.5">
            <span className="text-[0.8125rem] text-muted">
              from <span className="font-mono">{type}</span> on
            </span>
            {holders.map((agent) => (
              <Badge key={agent.id} className="max-w-full font-normal">
                <span className="truncate">
                  {agent.name} <span className="text-muted">in {agent.poolName}</span>
                </span>
              </Badge>
            ))}
          </li>
        ))}
      </ul>
    </li>
  );
}

function NoSecrets() {
  return (
    <EmptyState icon={<KeySquare />} title="No agent holds a secret yet">
      <p>
        Put one on an agent’s host, and runbooks can name it: in a command with{" "}
        <code className="font-mono text-[0.8125rem]">secrets=db-password</code>. Agents also take secrets from
        files, programs, systemd and HashiCorp Vault.
      </p>
      <div className="mt-4 text-left">
        <CommandLine command="farhand-agent secrets set db-password" />
      </div>
    </EmptyState>
  );
}
