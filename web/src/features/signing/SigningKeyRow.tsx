import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import type { SigningKey } from "#protocol/api/signatures.ts";
import { revokeSigningKey, signingKeyKeys } from "../../api/queries/signatures.ts";
import { Badge } from "../../components/Badge.tsx";
import { Button } from "../../components/Button.tsx";
import { ConfirmedAction } from "../../components/ConfirmedAction.tsx";
import { CopyButton } from "../../components/CopyButton.tsx";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { forgetBrowserKey } from "../../signing/browserKey.ts";
import { actorName } from "../executions/actor.ts";
import { useKeyOwner } from "./useBrowserKey.ts";

export function SigningKeyRow({ signingKey, isOwn }: { signingKey: SigningKey; isOwn: boolean }) {
  const { id, name, fingerprint, publicKey, createdBy, createdAt } = signingKey;
  const [asking, setAsking] = useState(false);
  const owner = useKeyOwner();
  const queries = useQueryClient();
  const revoke = async () => {
    await revokeSigningKey(id);
    if (isOwn && owner) await forgetBrowserKey(owner);
    toast.success(`${name} is revoked`);
    await Promise.all([
      queries.invalidateQueries({ queryKey: signingKeyKeys.all }),
      queries.invalidateQueries({ queryKey: signingKeyKeys.own }),
    ]);
  };
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-64">
        <div className="flex flex-wrap items-center gap-x-2.5">
          <span className="font-medium wrap-anywhere">{name}</span>
          {isOwn && <Badge tone="good">this browser</Badge>}
        </div>
        <p className="mt-0.5 text-[0.8125rem] text-muted">
          registered by {actorName(createdBy)} <RelativeTime time={createdAt} />
        </p>
        <dl className="mt-2 grid grid-cols-[auto_minmax(0,1fr)] items-start gap-x-3 gap-y-1 text-[0.8125rem]">
          <KeyText label="Fingerprint" text={fingerprint} />
          <KeyText label="Public key" text={publicKey} />
        </dl>
      </div>
      <Button variant="dangerQuiet" onClick={() => setAsking(true)}>
        Revoke
        <span className="sr-only"> {name}</span>
      </Button>
      <ConfirmedAction
        open={asking}
        onOpenChange={setAsking}
        title={`Revoke ${name}?`}
        action="Revoke key"
        failure="The key was not revoked"
        act={revoke}
      >
        <p>
          New plans leave its signatures out, and nothing new is signed with it. Hosts that name the key go on
          trusting it until you take it out of their policy.
        </p>
      </ConfirmedAction>
    </li>
  );
}

function KeyText({ label, text }: { label: string; text: string }) {
  return (
    <>
      <dt className="py-1 text-muted">{label}</dt>
      <dd className="flex min-w-0 items-start gap-1">
        <code className="min-w-0 py-1 font-mono text-xs wrap-anywhere">{text}</code>
        <CopyButton text={text} what={label.toLowerCase()} />
      </dd>
    </>
  );
}
