import { useQuery } from "@tanstack/react-query";
import { Plus, Signature } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { signingKeysQuery } from "../../api/queries/signatures.ts";
import { Button } from "../../components/Button.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { Card, Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { SkeletonRows } from "../../components/Skeleton.tsx";
import { paths } from "../../routes/paths.ts";
import { NewSigningKeyDialog } from "./NewSigningKeyDialog.tsx";
import { SigningKeyRow } from "./SigningKeyRow.tsx";
import { useBrowserKey } from "./useBrowserKey.ts";

export function SigningKeysPage() {
  const keys = useQuery(signingKeysQuery);
  const own = useBrowserKey();
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
        back={
          <Link to={paths.settings} className="hover:text-ink">
            Settings
          </Link>
        }
        title="Signing keys"
        description="Authors sign versions with them, approvers sign plans. Each host decides itself which of them it trusts: compare the fingerprint with its owner before you name a key there."
        actions={listed.length > 0 && !own && create}
      />
      <Card>
        {keys.isPending && <SkeletonRows rows={2} />}
        {keys.isError && <ErrorState what="The keys" error={keys.error} onRetry={() => keys.refetch()} />}
        {keys.isSuccess && listed.length === 0 && (
          <EmptyState icon={<Signature />} title="Nobody signs yet" actions={create}>
            Make a key in this browser, or on a machine with{" "}
            <code className="font-mono text-[0.8125rem]">farhand keygen</code>. Its private half stays there.
          </EmptyState>
        )}
        {listed.length > 0 && (
          <ul aria-label="Signing keys" className="divide-y divide-line">
            {listed.map((key) => (
              <SigningKeyRow key={key.id} signingKey={key} isOwn={key.fingerprint === own?.key.fingerprint} />
            ))}
          </ul>
        )}
      </Card>
      {creating && <NewSigningKeyDialog onClose={() => setCreating(false)} />}
    </Page>
  );
}
