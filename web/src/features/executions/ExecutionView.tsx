import { useMemo } from "react";
import { useLocation, useNavigate } from "react-router";
import type { Execution } from "#protocol/api/executions.ts";
import { isExecutionTerminal } from "#protocol/states.ts";
import { useTitle } from "../../components/useTitle.ts";
import { Announcer } from "./Announcer.tsx";
import { ExecutionHeader } from "./ExecutionHeader.tsx";
import { EndingNotice, QuestionNotice, StreamNotice } from "./ExecutionNotices.tsx";
import { proseTitles, withTitles } from "./proseTitles.ts";
import { StandingNotice } from "./StandingNotice.tsx";
import { StepList } from "./StepList.tsx";
import { StepPane } from "./StepPane.tsx";
import { StepPicker } from "./StepPicker.tsx";
import { activeStep, hashOf, readHash } from "./selection.ts";
import { executionLook } from "./states.ts";
import { stepTree } from "./stepTree.ts";
import { useExecutionSession } from "./useExecutionSession.ts";

/** An execution as it happens: what it is, its steps, and the output of one of them. */
export function ExecutionView({ initial }: { initial: Execution }) {
  const { session, live } = useExecutionSession(initial);
  const { plan } = live.execution;
  const titles = useMemo(() => proseTitles(plan), [plan]);
  const execution = withTitles(live.execution, titles);
  const steps = useMemo(() => stepTree(plan, execution.steps), [plan, execution.steps]);
  const { hash } = useLocation();
  const navigate = useNavigate();
  useTitle(`${executionLook(execution.state).label}: ${execution.title}`);
  const wanted = readHash(hash);
  const active = activeStep(execution);
  const chosen = execution.steps.find((step) => step.id === wanted.step);
  const step = chosen ?? active;
  const choose = (id: string | undefined) => navigate({ hash: id ? hashOf(id) : "" }, { replace: true });
  const picking = {
    steps,
    shown: step?.id,
    away: !!chosen && chosen.id !== active?.id && !isExecutionTerminal(execution.state),
    choose,
  };
  return (
    <div className="flex h-full min-h-0 flex-col">
      <ExecutionHeader execution={execution} />
      <div className="flex flex-col gap-2 px-4 py-2 empty:hidden sm:px-6">
        <StreamNotice connection={live.connection} />
        <StandingNotice execution={execution} />
        <QuestionNotice steps={execution.steps} shown={step?.id} choose={choose} />
        <EndingNotice execution={execution} />
      </div>
      <div className="flex min-h-0 flex-1 border-t border-line max-md:flex-col">
        <StepList {...picking} />
        <StepPicker {...picking} />
        {!step && <NothingYet />}
        {step && (
          <StepPane
            key={`${step.id}/${step.attempt}`}
            execution={execution}
            step={step}
            log={session.log(step.id)}
            line={chosen ? wanted.line : undefined}
          />
        )}
      </div>
      <Announcer execution={execution} />
    </div>
  );
}

/** No step has begun: what holds the execution up stands above. */
function NothingYet() {
  return (
    <div className="grid min-h-0 flex-1 place-items-center bg-(--log-canvas) px-6 text-center text-muted">
      <p className="max-w-sm text-balance">Nothing has begun yet. Its steps show up here when they do.</p>
    </div>
  );
}
