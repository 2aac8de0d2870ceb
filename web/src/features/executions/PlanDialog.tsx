import type { ReactNode } from "react";
import type { Execution } from "#protocol/api/executions.ts";
import { CopyButton } from "../../components/CopyButton.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { TargetView } from "../runbooks/DocumentFacts.tsx";

interface Props {
  execution: Execution;
  open: boolean;
  onOpenChange(open: boolean): void;
}

/** What was decided before anything ran, and the digest that proves it. */
export function PlanDialog({ execution, open, onOpenChange }: Props) {
  const { plan, planDigest } = execution;
  const parameters = Object.entries(plan.parameters);
  const target = { pool: plan.target.poolName, labels: plan.target.labels };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Plan"
      description="Resolved before anything ran; the agent received exactly this."
    >
      <dl className="flex flex-col gap-4">
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
          <TargetView target={target} />
        </Fact>
        <Fact label="Execution" copy={execution.id}>
          <code className="font-mono text-[0.8125rem] wrap-anywhere">{execution.id}</code>
        </Fact>
        <Fact label="Plan digest (SHA-256)" copy={planDigest}>
          <code className="font-mono text-[0.8125rem] wrap-anywhere">{planDigest}</code>
        </Fact>
      </dl>
    </Dialog>
  );
}

function Fact({ label, copy, children }: { label: string; copy?: string; children: ReactNode }) {
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
