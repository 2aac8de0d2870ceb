import type { Execution } from "#protocol/api/executions.ts";
import { Dialog } from "../../components/Dialog.tsx";
import { Fact, PlanFacts } from "../plan/PlanFacts.tsx";
import { DocumentBody } from "../runbooks/DocumentBody.tsx";
import { Section } from "../runbooks/Section.tsx";

interface Props {
  execution: Execution;
  open: boolean;
  onOpenChange(open: boolean): void;
}

/** What was decided before anything ran, and the digest that proves it. */
export function PlanDialog({ execution, open, onOpenChange }: Props) {
  const { plan, planDigest } = execution;
  const children = Object.entries(plan.runbooks ?? {});
  return (
    <Dialog
      wide
      open={open}
      onOpenChange={onOpenChange}
      title="Plan"
      description="Resolved before anything ran; the agent received exactly this."
    >
      <div className="flex flex-col gap-6">
        <dl className="flex flex-col gap-4">
          <PlanFacts plan={plan} />
          <Fact label="Plan digest (SHA-256)" copy={planDigest}>
            <code className="font-mono text-[0.8125rem] wrap-anywhere">{planDigest}</code>
          </Fact>
          <Fact label="Execution" copy={execution.id}>
            <code className="font-mono text-[0.8125rem] wrap-anywhere">{execution.id}</code>
          </Fact>
        </dl>
        <Section title="What runs">
          <DocumentBody document={plan} />
        </Section>
        {children.map(([id, child]) => (
          <Section key={id} title={`${child.title}, version ${child.versionNumber}`}>
            <DocumentBody document={child} />
          </Section>
        ))}
      </div>
    </Dialog>
  );
}
