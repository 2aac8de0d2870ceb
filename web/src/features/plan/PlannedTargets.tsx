import type { PlannedTarget } from "#protocol/api/previews.ts";
import { Badge } from "../../components/Badge.tsx";
import { plural } from "../../components/format.ts";
import { TargetView } from "../runbooks/DocumentFacts.tsx";

/** Which connected agents match now, how many could begin at once, and what they need to have. */
export function PlannedTargets({ targets }: { targets: readonly PlannedTarget[] }) {
  return (
    <ul className="flex flex-col gap-4">
      {targets.map((target) => {
        const { poolName, labels, matching, agents, interpreters, secrets } = target;
        return (
          <li key={`${poolName} ${JSON.stringify(labels)}`} className="flex flex-col gap-1.5">
            <TargetView target={{ pool: poolName, labels }} />
            <p className={matching === 0 ? "text-warn" : undefined}>{matchWords(target)}</p>
            {agents.length > 0 && (
              <ul className="flex flex-wrap gap-1.5">
                {agents.map(({ id, name, busy }) => (
                  <li key={id} className="max-w-full">
                    <Badge tone={busy ? "warn" : "good"}>
                      <span className="truncate">{name}</span>
                      {busy && " (busy)"}
                    </Badge>
                  </li>
                ))}
                {matching > agents.length && (
                  <li className="text-[0.8125rem] text-muted">and {matching - agents.length} more</li>
                )}
              </ul>
            )}
            {interpreters.length > 0 && (
              <p className="text-[0.8125rem] text-muted">
                Needs <span className="font-mono">{interpreters.join(", ")}</span> there.
              </p>
            )}
            {secrets.length > 0 && (
              <p className="text-[0.8125rem] text-muted">
                Uses the {secrets.length === 1 ? "secret" : "secrets"}{" "}
                <span className="font-mono wrap-anywhere">{secrets.join(", ")}</span> there.
              </p>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function matchWords({ matching, free, draining }: PlannedTarget): string {
  if (matching > 0)
    return `${plural(matching, "agent")} ${matching === 1 ? "matches" : "match"}, ${free} free`;
  if (draining === 0) return "No connected agent matches";
  return draining === 1
    ? "The one agent that matches is draining"
    : `All ${draining} agents that match are draining`;
}
