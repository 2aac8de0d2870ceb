import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, Plus, Webhook as WebhookIcon } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import type { Webhook } from "#protocol/api/webhooks.ts";
import { webhooksQuery } from "../../api/queries/webhooks.ts";
import { Badge } from "../../components/Badge.tsx";
import { Button } from "../../components/Button.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { Card, Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { SkeletonRows } from "../../components/Skeleton.tsx";
import { paths } from "../../routes/paths.ts";
import { NewWebhookDialog } from "./NewWebhookDialog.tsx";

export function WebhooksPage() {
  const webhooks = useQuery(webhooksQuery);
  const [creating, setCreating] = useState(false);
  const listed = webhooks.data ?? [];
  const create = (
    <Button variant="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden />
      New webhook
    </Button>
  );
  return (
    <Page narrow>
      <PageHeader
        title="Webhooks"
        back={
          <Link to={paths.settings} className="inline-flex items-center gap-1 hover:text-ink">
            <ArrowLeft className="size-3.5" aria-hidden />
            Settings
          </Link>
        }
        description="Other systems are told what happens here, with signed messages."
        actions={listed.length > 0 && create}
      />
      <Card>
        {webhooks.isPending && <SkeletonRows rows={3} />}
        {webhooks.isError && (
          <ErrorState what="The webhooks" error={webhooks.error} onRetry={() => webhooks.refetch()} />
        )}
        {webhooks.isSuccess && listed.length === 0 && (
          <EmptyState icon={<WebhookIcon />} title="No webhooks yet" actions={create}>
            A chat, an incident tool or a script of yours can hear when an execution has ended or an agent
            needs somebody to look at it.
          </EmptyState>
        )}
        {listed.length > 0 && (
          <ul aria-label="Webhooks" className="divide-y divide-line">
            {listed.map((webhook) => (
              <WebhookRow key={webhook.id} webhook={webhook} />
            ))}
          </ul>
        )}
      </Card>
      {creating && <NewWebhookDialog onClose={() => setCreating(false)} />}
    </Page>
  );
}

function WebhookRow({ webhook }: { webhook: Webhook }) {
  return (
    <li className="relative px-4 py-3 hover:bg-hover/60">
      <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
        <Link
          to={paths.webhook(webhook.id)}
          className="font-medium wrap-anywhere after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:-outline-offset-2 focus-visible:after:outline-2 focus-visible:after:outline-(--focus)"
        >
          {webhook.name}
        </Link>
        {!webhook.enabled && <Badge tone="warn">Disabled</Badge>}
      </div>
      <p className="mt-0.5 font-mono text-[0.8125rem] text-muted wrap-anywhere">{webhook.url}</p>
      <ul aria-label="Events" className="mt-1.5 flex flex-wrap gap-1">
        {webhook.events.map((type) => (
          <li key={type}>
            <Badge className="font-mono font-normal">{type}</Badge>
          </li>
        ))}
      </ul>
    </li>
  );
}
