import { useQuery } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { apiKeysQuery } from "../../api/queries/apiKeys.ts";
import { Button } from "../../components/Button.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { Card, Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { SkeletonRows } from "../../components/Skeleton.tsx";
import { ApiKeyRow } from "./ApiKeyRow.tsx";
import { NewKeyDialog } from "./NewKeyDialog.tsx";

export function ApiKeysPage() {
  const keys = useQuery(apiKeysQuery);
  const [creating, setCreating] = useState(false);
  const listed = keys.data?.filter((key) => !key.revokedAt) ?? [];
  const create = (
    <Button variant="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden />
      New key
    </Button>
  );
  return (
    <Page>
      <PageHeader
        title="API keys"
        description="For scripts and other tools. A key may do what its scopes say, and no more."
        actions={listed.length > 0 && create}
      />
      <Card>
        {keys.isPending && <SkeletonRows rows={3} />}
        {keys.isError && <ErrorState what="The keys" error={keys.error} onRetry={() => keys.refetch()} />}
        {keys.isSuccess && listed.length === 0 && (
          <EmptyState icon={<KeyRound />} title="No keys yet" actions={create}>
            With a key, <code className="font-mono text-[0.8125rem]">curl</code> or a script can run a runbook
            and follow its output.
          </EmptyState>
        )}
        {listed.length > 0 && (
          <ul aria-label="API keys" className="divide-y divide-line">
            {listed.map((key) => (
              <ApiKeyRow key={key.id} apiKey={key} />
            ))}
          </ul>
        )}
      </Card>
      {creating && <NewKeyDialog onClose={() => setCreating(false)} />}
    </Page>
  );
}
