import { RotateCcw } from "lucide-react";
import { Link } from "react-router";
import type { Execution } from "#protocol/api/executions.ts";
import { Button } from "../../components/Button.tsx";
import { Elapsed, RelativeTime } from "../../components/RelativeTime.tsx";
import { paths } from "../../routes/paths.ts";
import { actorName } from "./actor.ts";
import { CancelButton } from "./CancelButton.tsx";
import { ExecutionMenu } from "./ExecutionMenu.tsx";
import { Lineage } from "./Lineage.tsx";
import { PauseButton } from "./PauseButton.tsx";
import { RetryButton } from "./RetryButton.tsx";
import { ExecutionBadge } from "./StatusBadge.tsx";
import { allows } from "./states.ts";

/** What it is, how it stands, and what can be done. On a phone the buttons share the width, within reach. */
export function ExecutionHeader({ execution }: { execution: Execution }) {
  return (
    <header className="grid grid-cols-[minmax(0,1fr)_auto] items-start gap-x-3 gap-y-1 px-4 pt-3 pb-3 sm:grid-cols-[minmax(0,1fr)_auto_auto] sm:gap-x-2 sm:px-6 sm:pt-4">
      <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1 pt-0.5">
        <h1 className="text-lg leading-7 font-semibold tracking-tight wrap-anywhere">{execution.title}</h1>
        <ExecutionBadge state={execution.state} />
      </div>
      <div className="max-sm:-my-1 max-sm:-mr-2 sm:order-1">
        <ExecutionMenu execution={execution} />
      </div>
      <div className="flex gap-2 empty:hidden max-sm:order-2 max-sm:col-span-2 max-sm:mt-1.5">
        <Actions execution={execution} />
      </div>
      <p className="col-span-full flex flex-wrap gap-x-1.5 text-[0.8125rem] text-muted sm:order-2">
        <Link
          to={paths.version(execution.runbookId, execution.versionNumber)}
          className="hover:text-ink hover:underline"
        >
          Version {execution.versionNumber}
        </Link>
        <span aria-hidden>·</span>
        <span className="min-w-0 wrap-anywhere">{actorName(execution.actor)}</span>
        <span aria-hidden>·</span>
        <RelativeTime time={execution.createdAt} />
        <span aria-hidden>·</span>
        <Elapsed since={execution.createdAt} durationMs={execution.durationMs} />
        <Lineage execution={execution} />
      </p>
    </header>
  );
}

function Actions({ execution }: { execution: Execution }) {
  const { id, state, canceling, runbookId, plan } = execution;
  return (
    <>
      {allows(state, "cancel") && !canceling && (
        <>
          <PauseButton execution={execution} />
          <CancelButton executionId={id} />
        </>
      )}
      {allows(state, "retry") && <RetryButton executionId={id} />}
      {allows(state, "runAgain") && (
        <Button asChild className="max-sm:flex-1">
          <Link to={paths.runRunbook(runbookId)} state={{ parameters: plan.parameters }}>
            <RotateCcw aria-hidden />
            Run again
          </Link>
        </Button>
      )}
    </>
  );
}
