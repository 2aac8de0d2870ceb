import { useQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import type { ExecutionCreate } from "#protocol/api/executions.ts";
import type { Preview } from "#protocol/api/previews.ts";
import { previewRunbook } from "../../api/queries/runbooks.ts";
import { Coded } from "../../components/Coded.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { formatDuration, plural } from "../../components/format.ts";
import { Notice } from "../../components/Notice.tsx";
import { SkeletonRows } from "../../components/Skeleton.tsx";
import { Section } from "../runbooks/Section.tsx";
import { LastSuccess } from "./LastSuccess.tsx";
import { PlanFacts } from "./PlanFacts.tsx";
import { PlannedQuestions } from "./PlannedQuestions.tsx";
import { PlannedSteps } from "./PlannedSteps.tsx";
import { PlannedTargets } from "./PlannedTargets.tsx";

interface Props {
  runbookId: string;
  body: ExecutionCreate;
  onClose(): void;
}

/** What an execution would do: asked of the server with exactly what would be sent to start it. */
export function PreviewDialog({ runbookId, body, onClose }: Props) {
  const query = useQuery({
    queryKey: ["runbooks", runbookId, "plan", body],
    queryFn: () => previewRunbook(runbookId, body),
    // Agents come and go: what is shown is what holds now.
    gcTime: 0,
  });
  return (
    <Dialog
      wide
      open
      onOpenChange={onClose}
      title="What would run"
      description="Worked out with the agents that are connected now. Nothing has been started."
    >
      {query.isPending && <SkeletonRows rows={4} />}
      {query.isError && <ErrorState what="The plan" error={query.error} onRetry={() => query.refetch()} />}
      {query.data && <PreviewView preview={query.data} />}
    </Dialog>
  );
}

function PreviewView({ preview }: { preview: Preview }) {
  const { plan, steps, runbooks, targets, missing, questions, expected, difference } = preview;
  return (
    <div className="flex flex-col gap-6">
      {missing.length > 0 && (
        <Notice tone="warn" icon={<TriangleAlert aria-hidden />} title="It would wait, or fail">
          <ul>
            {missing.map((words) => (
              <li key={words}>
                <Coded text={words} />
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {expected && (
        <p>
          Takes about <span className="font-medium">{formatDuration(expected.durationMs)}</span>{" "}
          <span className="text-muted">
            (median of {plural(expected.executions, "execution")} that succeeded)
          </span>
        </p>
      )}
      <Section title="Steps">
        <PlannedSteps steps={steps} runbooks={runbooks} />
      </Section>
      {runbooks.map(({ versionId, title, versionNumber, steps: inside }) => (
        <Section key={versionId} title={`In “${title}”, version ${versionNumber}`}>
          <PlannedSteps steps={inside} runbooks={runbooks} />
        </Section>
      ))}
      {targets.length > 0 && (
        <Section title="Agents">
          <PlannedTargets targets={targets} />
        </Section>
      )}
      {questions.length > 0 && (
        <Section title="People are asked">
          <PlannedQuestions questions={questions} steps={steps} />
        </Section>
      )}
      <Section title="Since the last success">
        <LastSuccess difference={difference} />
      </Section>
      <dl className="flex flex-col gap-4">
        <PlanFacts plan={plan} />
      </dl>
    </div>
  );
}
