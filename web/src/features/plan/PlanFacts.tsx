import type { ReactNode } from "react";
import type { Plan } from "#protocol/plan.ts";
import { CopyButton } from "../../components/CopyButton.tsx";
import { formatDuration } from "../../components/format.ts";
import { LockList, TargetView } from "../runbooks/DocumentFacts.tsx";

/** What a plan says about the execution as a whole. */
export function PlanFacts({ plan }: { plan: Plan }) {
  const { target, locks, timeoutMs, range } = plan;
  const parameters = Object.entries(plan.parameters);
  return (
    <>
      <Fact label="Parameters">
        {parameters.length === 0 ? (
          "None"
        ) : (
          <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 font-mono text-[0.8125rem]">
            {parameters.map(([name, value]) => (
              <div key={name} className="contents">
                <dt className="text-muted">{name}</dt>
                <dd className="whitespace-pre-wrap wrap-anywhere">{String(value)}</dd>
              </div>
            ))}
          </dl>
        )}
      </Fact>
      <Fact label="Runs on">
        <TargetView target={{ pool: target.poolName, labels: target.labels }} />
      </Fact>
      {range && <Fact label="Only these steps">{rangeWords(range)}</Fact>}
      {timeoutMs !== undefined && <Fact label="Time limit">{formatDuration(timeoutMs)}</Fact>}
      {locks && (
        <Fact label="Locks">
          <LockList locks={locks} />
        </Fact>
      )}
      <Fact label={`Content of version ${plan.versionNumber} (SHA-256)`} copy={plan.versionHash}>
        <code className="font-mono text-[0.8125rem] wrap-anywhere">{plan.versionHash}</code>
      </Fact>
    </>
  );
}

function rangeWords({ from, to }: NonNullable<Plan["range"]>): string {
  return [from && `from “${from}”`, to && `up to “${to}”`].filter(Boolean).join(" ");
}

/** One line of a list of facts; `copy` puts it on the clipboard. */
export function Fact({ label, copy, children }: { label: string; copy?: string; children: ReactNode }) {
  return (
    <div>
      <dt className="mb-1 flex items-center gap-1 text-[0.8125rem] text-muted">
        {label}
        {copy && <CopyButton text={copy} what={label} />}
      </dt>
      <dd>{children}</dd>
    </div>
  );
}
