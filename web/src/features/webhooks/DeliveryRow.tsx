import { CircleCheck, CircleX, type LucideIcon, Timer } from "lucide-react";
import { Link } from "react-router";
import type { WebhookDelivery } from "#protocol/api/webhooks.ts";
import { Badge, type Tone } from "../../components/Badge.tsx";
import { RelativeTime, Until } from "../../components/RelativeTime.tsx";
import { paths } from "../../routes/paths.ts";

const LOOK = {
  pending: { label: "Retrying", tone: "warn", icon: Timer },
  delivered: { label: "Delivered", tone: "good", icon: CircleCheck },
  failed: { label: "Failed", tone: "bad", icon: CircleX },
} as const satisfies Record<WebhookDelivery["state"], { label: string; tone: Tone; icon: LucideIcon }>;

/** What was sent, how that went, and what comes next. */
export function DeliveryRow({ delivery }: { delivery: WebhookDelivery }) {
  const { state, type, subject, attempts, detail, lastAttemptAt, nextAttemptAt, id } = delivery;
  const { label, tone, icon: Icon } = LOOK[state];
  return (
    <li className="px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
        <Badge tone={tone}>
          <Icon aria-hidden />
          {label}
        </Badge>
        <code className="font-mono text-[0.8125rem]">{type}</code>
        {type === "execution.finished" && (
          <Link to={paths.execution(subject)} className="text-[0.8125rem] text-accent hover:underline">
            Execution
            <span className="sr-only"> {subject}</span>
          </Link>
        )}
      </div>
      <p className="mt-1 text-[0.8125rem] text-muted wrap-anywhere">
        {detail} {attempts === 1 ? "1 attempt," : `${attempts} attempts, the last`}{" "}
        <RelativeTime time={lastAttemptAt} />
        {nextAttemptAt && (
          <>
            ; the next at <Until time={Date.parse(nextAttemptAt)} />
          </>
        )}
        .
      </p>
      <code className="mt-0.5 block font-mono text-xs text-faint wrap-anywhere">{id}</code>
    </li>
  );
}
