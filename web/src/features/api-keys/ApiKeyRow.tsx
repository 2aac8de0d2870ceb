import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import type { ApiKey } from "#protocol/api/keys.ts";
import { apiKeyKeys, revokeApiKey } from "../../api/queries/apiKeys.ts";
import { Badge } from "../../components/Badge.tsx";
import { Button } from "../../components/Button.tsx";
import { ConfirmedAction } from "../../components/ConfirmedAction.tsx";
import { formatTimestamp } from "../../components/format.ts";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { useNow } from "../../components/useNow.ts";

export function ApiKeyRow({ apiKey }: { apiKey: ApiKey }) {
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const revoke = async () => {
    await revokeApiKey(apiKey.id);
    toast.success(`${apiKey.name} is revoked`);
    await queries.invalidateQueries({ queryKey: apiKeyKeys.all });
  };
  return (
    <li className="flex items-start gap-4 px-4 py-3">
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-baseline gap-x-2.5">
          <span className="font-medium wrap-anywhere">{apiKey.name}</span>
          <code className="font-mono text-xs text-muted">{apiKey.hint}…</code>
        </div>
        <p className="mt-0.5 text-[0.8125rem] text-muted">
          created <RelativeTime time={apiKey.createdAt} /> ·{" "}
          {apiKey.lastUsedAt ? (
            <>
              last used <RelativeTime time={apiKey.lastUsedAt} />
            </>
          ) : (
            "never used"
          )}
          {apiKey.expiresAt && <Expiry at={Date.parse(apiKey.expiresAt)} />}
        </p>
        <ul aria-label="Scopes" className="mt-1.5 flex flex-wrap gap-1">
          {apiKey.scopes.map((scope) => (
            <li key={scope}>
              <Badge className="font-mono font-normal">{scope}</Badge>
            </li>
          ))}
        </ul>
      </div>
      <Button variant="dangerQuiet" onClick={() => setAsking(true)}>
        Revoke
        <span className="sr-only"> {apiKey.name}</span>
      </Button>
      <ConfirmedAction
        open={asking}
        onOpenChange={setAsking}
        title={`Revoke ${apiKey.name}?`}
        action="Revoke key"
        failure="The key was not revoked"
        act={revoke}
      >
        <p>Whatever still uses it is refused from this moment on. A revoked key does not come back.</p>
      </ConfirmedAction>
    </li>
  );
}

function Expiry({ at }: { at: number }) {
  const now = useNow();
  const days = Math.ceil((at - now) / 86_400_000);
  if (days <= 0) return <span className="font-medium text-bad"> · expired</span>;
  return (
    <span title={formatTimestamp(at)} className={days <= 7 ? "font-medium text-warn" : ""}>
      {" "}
      · expires in {days} {days === 1 ? "day" : "days"}
    </span>
  );
}
