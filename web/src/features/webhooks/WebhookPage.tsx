import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowLeft, CircleOff, KeyRound, Send } from "lucide-react";
import { Link, useParams } from "react-router";
import { toast } from "sonner";
import { isNotFound, messageOf } from "../../api/errors.ts";
import { testWebhook, webhookKeys, webhookQuery } from "../../api/queries/webhooks.ts";
import { Badge } from "../../components/Badge.tsx";
import { Button } from "../../components/Button.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { Notice } from "../../components/Notice.tsx";
import { Card, Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { Until } from "../../components/RelativeTime.tsx";
import { SkeletonRows } from "../../components/Skeleton.tsx";
import { NotFoundPage } from "../../routes/NotFoundPage.tsx";
import { paths } from "../../routes/paths.ts";
import { DeliveryRow } from "./DeliveryRow.tsx";
import { WebhookMenu } from "./WebhookMenu.tsx";

/** One webhook: where it leads, and what it was sent lately. */
export function WebhookPage() {
  const { webhookId = "" } = useParams();
  const { data: webhook, error, refetch } = useQuery(webhookQuery(webhookId));
  if (isNotFound(error)) return <NotFoundPage what="webhook" />;
  if (!webhook) {
    return (
      <Page narrow>
        <Card>
          {error ? (
            <ErrorState what="The webhook" error={error} onRetry={refetch} />
          ) : (
            <SkeletonRows rows={4} />
          )}
        </Card>
      </Page>
    );
  }
  return (
    <Page narrow>
      <PageHeader
        title={webhook.name}
        back={
          <Link to={paths.webhooks} className="inline-flex items-center gap-1 hover:text-ink">
            <ArrowLeft className="size-3.5" aria-hidden />
            Webhooks
          </Link>
        }
        actions={
          <>
            <TestButton webhookId={webhook.id} />
            <WebhookMenu webhook={webhook} />
          </>
        }
      />
      <div className="flex flex-col gap-5">
        <div className="-mt-4 flex flex-col gap-2">
          <code className="font-mono text-[0.8125rem] text-muted wrap-anywhere">{webhook.url}</code>
          <ul aria-label="Events" className="flex flex-wrap gap-1">
            {webhook.events.map((type) => (
              <li key={type}>
                <Badge className="font-mono font-normal">{type}</Badge>
              </li>
            ))}
          </ul>
        </div>
        {!webhook.enabled && (
          <Notice tone="warn" icon={<CircleOff aria-hidden />} title="Disabled">
            {webhook.disabledReason} Nothing is sent until somebody enables it.
          </Notice>
        )}
        {webhook.previousSecretUntil && (
          <Notice icon={<KeyRound aria-hidden />}>
            The secret before the last rotation signs as well, until{" "}
            <Until time={Date.parse(webhook.previousSecretUntil)} />.
          </Notice>
        )}
        <section aria-label="Deliveries">
          <h2 className="mb-2 text-[0.8125rem] font-medium text-muted">Last deliveries</h2>
          <Card>
            {webhook.deliveries.length === 0 ? (
              <EmptyState icon={<Send />} title="Nothing was sent yet">
                Send a test to see whether the receiver takes it.
              </EmptyState>
            ) : (
              <ul aria-label="Deliveries" className="divide-y divide-line">
                {webhook.deliveries.map((delivery) => (
                  <DeliveryRow key={delivery.id} delivery={delivery} />
                ))}
              </ul>
            )}
          </Card>
        </section>
      </div>
    </Page>
  );
}

function TestButton({ webhookId }: { webhookId: string }) {
  const queries = useQueryClient();
  const test = useMutation({
    mutationFn: () => testWebhook(webhookId),
    onSuccess: ({ state, detail }) => {
      if (state === "delivered") toast.success("The test was delivered", { description: detail });
      else toast.error("The test was not delivered", { description: detail });
    },
    onError: (error) => toast.error("The test was not sent", { description: messageOf(error) }),
    onSettled: () => queries.invalidateQueries({ queryKey: webhookKeys.all }),
  });
  return (
    <Button busy={test.isPending} onClick={() => test.mutate()}>
      <Send aria-hidden />
      Send test
    </Button>
  );
}
