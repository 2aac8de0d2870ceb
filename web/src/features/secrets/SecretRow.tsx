import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import type { Agent } from "#protocol/api/pools.ts";
import type { Secret, SecretDelivery } from "#protocol/api/secrets.ts";
import { removeSecret, secretsQuery } from "../../api/queries/secrets.ts";
import { Badge, type Tone } from "../../components/Badge.tsx";
import { Button } from "../../components/Button.tsx";
import { ConfirmedAction } from "../../components/ConfirmedAction.tsx";
import { plural } from "../../components/format.ts";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { actorName } from "../executions/actor.ts";
import { agentsWithout, isSealed } from "./lacking.ts";

interface Props {
  secret: Secret;
  agents: readonly Agent[];
  /** Seal it anew: for these agents, or for those that have it. */
  onSeal(agents?: readonly Agent[]): void;
}

/** Where one secret is, and what is on its way. */
export function SecretRow({ secret, agents, onSeal }: Props) {
  const { name, deliveries } = secret;
  const byType = Map.groupBy(secret.agents, ({ type }) => type);
  const open = deliveries.filter(({ state }) => state !== "done");
  const last = deliveries.toSorted((one, other) => (one.at < other.at ? 1 : -1))[0];
  const lacking = agentsWithout(secret, agents);
  return (
    <li className="grid gap-x-4 gap-y-2 px-4 py-3 sm:grid-cols-[minmax(0,1fr)_minmax(0,2fr)]">
      <div className="min-w-0">
        <h2 className="font-mono font-medium wrap-anywhere">{name}</h2>
        {last && (
          <p className="mt-0.5 text-[0.8125rem] text-muted">
            {last.action === "put" ? "sealed" : "removed"} by {actorName(last.actor)}{" "}
            <RelativeTime time={last.at} />
          </p>
        )}
      </div>
      <div className="flex min-w-0 flex-col gap-2">
        <ul className="flex min-w-0 flex-col gap-1.5">
          {[...byType].map(([type, holders]) => (
            <li key={type} className="flex flex-wrap items-center gap-1.5">
              <span className="text-[0.8125rem] text-muted">
                {type === "sealed" ? (
                  "sealed, on"
                ) : (
                  <>
                    from <span className="font-mono">{type}</span> on
                  </>
                )}
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
          {open.map((delivery) => (
            <OpenDelivery
              key={delivery.agent.id}
              delivery={delivery}
              isAway={!agents.some(({ id, presence }) => id === delivery.agent.id && presence)}
            />
          ))}
        </ul>
        {isSealed(secret) && (
          <div className="flex flex-wrap items-center gap-2">
            {lacking.length > 0 && (
              <Button size="sm" onClick={() => onSeal(lacking)}>
                Seal it for {plural(lacking.length, "agent")} without it
                <span className="sr-only"> ({name})</span>
              </Button>
            )}
            <Button size="sm" onClick={() => onSeal()}>
              Replace<span className="sr-only"> {name}</span>
            </Button>
            <RemoveButton name={name} />
          </div>
        )}
      </div>
    </li>
  );
}

const STANDING: Record<SecretDelivery["state"], { tone: Tone; words: string }> = {
  pending: { tone: "live", words: "on its way" },
  done: { tone: "good", words: "done" },
  refused: { tone: "bad", words: "refused" },
  expired: { tone: "warn", words: "given up" },
};

function OpenDelivery({
  delivery: { agent, action, state, detail },
  isAway,
}: {
  delivery: SecretDelivery;
  isAway: boolean;
}) {
  const { tone, words } = STANDING[state];
  return (
    <li className="flex flex-wrap items-center gap-x-2 gap-y-0.5 text-[0.8125rem]">
      <Badge tone={tone}>{action === "remove" ? `removal ${words}` : words}</Badge>
      <span className="wrap-anywhere">
        {agent.name} <span className="text-muted">in {agent.poolName}</span>
      </span>
      <span className="basis-full text-muted wrap-anywhere empty:hidden">
        {hintOf(state, detail, isAway)}
      </span>
    </li>
  );
}

function hintOf(state: SecretDelivery["state"], detail: string | undefined, isAway: boolean): string {
  switch (state) {
    case "pending":
      return isAway ? "It is away, and told when it connects, within 7 days." : "";
    case "expired":
      return "It was not there for 7 days.";
    case "refused":
      return detail ?? "";
    case "done":
      return "";
    default:
      return state satisfies never;
  }
}

function RemoveButton({ name }: { name: string }) {
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const remove = async () => {
    await removeSecret(name);
    await queries.invalidateQueries({ queryKey: secretsQuery.queryKey });
    toast.success(`The agents were told to forget ${name}`);
  };
  return (
    <>
      <Button size="sm" variant="dangerQuiet" onClick={() => setAsking(true)}>
        Remove<span className="sr-only"> {name}</span>
      </Button>
      <ConfirmedAction
        open={asking}
        onOpenChange={setAsking}
        title={`Remove ${name}?`}
        action="Remove secret"
        failure="It was not removed"
        act={remove}
      >
        <p>
          Every agent that was sealed it forgets it; one that is away does when it connects. Nobody can bring
          the value back.
        </p>
      </ConfirmedAction>
    </>
  );
}
