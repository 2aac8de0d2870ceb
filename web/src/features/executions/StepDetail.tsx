import { ArrowRight } from "lucide-react";
import { Link } from "react-router";
import type { Execution, Step } from "#protocol/api/executions.ts";
import type { Block } from "#protocol/blocks/index.ts";
import { Button } from "../../components/Button.tsx";
import { paths } from "../../routes/paths.ts";
import { BlockView } from "../runbooks/BlockView.tsx";
import { Prose } from "../runbooks/Prose.tsx";
import { Section } from "../runbooks/Section.tsx";
import { isToldAbove } from "./culprit.ts";
import { GivenAnswers } from "./GivenAnswers.tsx";
import { StepBadge } from "./StatusBadge.tsx";
import { StepNotices } from "./StepNotices.tsx";
import { StepWaiting } from "./StepWaiting.tsx";

interface Props {
  execution: Execution;
  step: Step;
  block: Block;
}

/** A step that prints nothing: what is asked, what was answered, what it stands for. */
export function StepDetail({ execution, step, block }: Props) {
  const prose = block.kind === "instruction";
  const asked = step.state === "waiting" && step.wait !== undefined;
  return (
    <section
      aria-label={`Step ${step.title}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
      tabIndex={0}
      className="min-h-0 min-w-0 flex-1 overflow-y-auto bg-(--log-canvas) focus-visible:-outline-offset-2"
    >
      {!(prose && block.title === undefined) && (
        <div className="hidden min-h-9 items-center gap-2 border-b border-line bg-surface px-4 md:flex">
          <h2 className="min-w-0 truncate font-medium">{step.title}</h2>
          <StepBadge state={step.state} />
        </div>
      )}
      {prose && (
        <div className="max-w-prose px-4 py-4 sm:px-6">
          <Prose markdown={block.markdown} />
        </div>
      )}
      <StepNotices
        step={{ ...step, answers: undefined }}
        told={isToldAbove(execution, step) && !step.lists}
      />
      <StepWaiting execution={execution} step={step} />
      <div className="flex flex-col gap-5 px-4 py-4 empty:hidden sm:px-6">
        {step.executionId && (
          <div>
            <Button asChild>
              <Link to={paths.execution(step.executionId)}>
                Open the execution that it started
                <ArrowRight aria-hidden />
              </Link>
            </Button>
          </div>
        )}
        {!asked && step.answers && (
          <Section title="Answers">
            <GivenAnswers answers={step.answers} />
          </Section>
        )}
        {step.values && Object.keys(step.values).length > 0 && (
          <Section title="Handed on">
            <Values values={step.values} />
          </Section>
        )}
        {!prose && !(asked && block.kind === "approval") && (
          <Section title="From the plan">
            <BlockView block={block} />
          </Section>
        )}
      </div>
    </section>
  );
}

function Values({ values }: { values: NonNullable<Step["values"]> }) {
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 font-mono text-[0.8125rem]">
      {Object.entries(values).map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="whitespace-pre-wrap wrap-anywhere">
            {typeof value === "string" ? value : JSON.stringify(value)}
          </dd>
        </div>
      ))}
    </dl>
  );
}
