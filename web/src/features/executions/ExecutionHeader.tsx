import { Download, Ellipsis, FileSearch, RotateCcw } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import type { Execution } from "#protocol/api/executions.ts";
import { wholeOutputPath } from "../../api/queries/executions.ts";
import { Button } from "../../components/Button.tsx";
import { DropdownMenu, MenuItem } from "../../components/DropdownMenu.tsx";
import { IconButton } from "../../components/IconButton.tsx";
import { Elapsed, RelativeTime } from "../../components/RelativeTime.tsx";
import { paths } from "../../routes/paths.ts";
import { actorName } from "./actor.ts";
import { CancelButton } from "./CancelButton.tsx";
import { PauseButton } from "./PauseButton.tsx";
import { PlanDialog } from "./PlanDialog.tsx";
import { RetryButton } from "./RetryButton.tsx";
import { ExecutionBadge } from "./StatusBadge.tsx";
import { allows } from "./states.ts";

export function ExecutionHeader({ execution }: { execution: Execution }) {
  const [plan, setPlan] = useState(false);
  return (
    <header className="flex flex-wrap items-start justify-between gap-x-4 gap-y-0.5 px-4 pt-3 pb-3 sm:px-6 sm:pt-4">
      <div className="flex min-w-0 flex-1 basis-40 flex-wrap items-center gap-x-3 gap-y-1 pt-0.5">
        <h1 className="text-lg leading-7 font-semibold tracking-tight wrap-anywhere">{execution.title}</h1>
        <ExecutionBadge state={execution.state} />
      </div>
      <div className="flex items-center gap-2">
        <DropdownMenu trigger={<IconButton label="More" icon={<Ellipsis />} />}>
          <MenuItem icon={<FileSearch aria-hidden />} onSelect={() => setPlan(true)}>
            Show the plan
          </MenuItem>
          <MenuItem asChild>
            <a href={wholeOutputPath(execution.id)} download={`${execution.id}.txt`}>
              <Download aria-hidden />
              Download all output
            </a>
          </MenuItem>
        </DropdownMenu>
        {allows(execution.state, "cancel") && !execution.canceling && <PauseButton execution={execution} />}
        {allows(execution.state, "cancel") && (
          <CancelButton executionId={execution.id} canceling={execution.canceling} />
        )}
        {allows(execution.state, "retry") && <RetryButton executionId={execution.id} />}
        {allows(execution.state, "runAgain") && (
          <Button asChild>
            <Link
              to={paths.runRunbook(execution.runbookId)}
              state={{ parameters: execution.plan.parameters }}
            >
              <RotateCcw aria-hidden />
              Run again
            </Link>
          </Button>
        )}
      </div>
      <p className="flex basis-full flex-wrap gap-x-1.5 text-[0.8125rem] text-muted">
        <Link to={paths.runbook(execution.runbookId)} className="hover:text-ink hover:underline">
          Version {execution.versionNumber}
        </Link>
        <span aria-hidden>·</span>
        <span className="min-w-0 wrap-anywhere">{actorName(execution.actor)}</span>
        <span aria-hidden>·</span>
        <RelativeTime time={execution.createdAt} />
        <span aria-hidden>·</span>
        <Elapsed since={execution.createdAt} durationMs={execution.durationMs} />
      </p>
      <PlanDialog execution={execution} open={plan} onOpenChange={setPlan} />
    </header>
  );
}
