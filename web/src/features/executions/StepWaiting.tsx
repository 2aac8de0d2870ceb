import { Hourglass } from "lucide-react";
import { useState } from "react";
import type { Execution, Step } from "#protocol/api/executions.ts";
import { asksForApproval } from "#protocol/approvals.ts";
import { blockAt } from "#protocol/paths.ts";
import { Button } from "../../components/Button.tsx";
import { Until } from "../../components/RelativeTime.tsx";
import { Prose } from "../runbooks/Prose.tsx";
import { AnswerForm } from "./AnswerForm.tsx";
import { questionOf, waitWords } from "./answers.ts";
import { SkipForm } from "./SkipForm.tsx";
import { isSameWait } from "./standing.ts";
import { queueWords } from "./words.ts";

/** What a step waits for and until when, and the way for a person to answer. */
export function StepWaiting({ execution, step }: { execution: Execution; step: Step }) {
  const [skipping, setSkipping] = useState(false);
  const block = blockAt(execution.plan, step.id);
  if (step.state !== "waiting" || !step.wait || !block) return null;
  const question = questionOf(block, step.wait);
  const skip = asksForApproval(execution.plan, block) ? undefined : () => setSkipping(true);
  return (
    <section
      aria-label="Waiting"
      className="shrink-0 border-b border-line bg-surface px-4 py-4 max-md:max-h-full max-md:overflow-y-auto sm:px-6"
    >
      <div className="flex max-w-prose flex-col gap-3">
        <div>
          <h2 className="flex items-start gap-2 text-[0.9375rem] font-medium">
            <Hourglass aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
            <span className="min-w-0 wrap-anywhere">{question?.title ?? waitWords(step.wait)}</span>
          </h2>
          <p className="mt-0.5 pl-6 text-[0.8125rem] text-muted">
            {step.queue &&
              !isSameWait(step.queue, execution.queue) &&
              `${queueWords(step.queue, execution.plan.target.poolName).title}. `}
            {endWords(step.wait)} <Until time={step.wait.until} />
          </p>
        </div>
        {question?.markdown && <Prose markdown={question.markdown} />}
        {skipping ? (
          <SkipForm execution={execution} step={step} onBack={() => setSkipping(false)} />
        ) : question ? (
          <AnswerForm execution={execution} step={step} question={question} onSkip={skip} />
        ) : (
          skip && (
            <div>
              <Button onClick={skip}>Skip…</Button>
            </div>
          )
        )}
      </div>
    </section>
  );
}

/** What comes at the end of a wait: what was waited for, or giving up. */
function endWords(wait: NonNullable<Step["wait"]>): string {
  return ["time", "retry", "batch"].includes(wait.for) ? "Goes on at" : "Given up at";
}
