import { Hourglass, ListEnd, LoaderCircle, Pause, Undo2, Unplug } from "lucide-react";
import { Link } from "react-router";
import type { Execution, QueuePlace, Step } from "#protocol/api/executions.ts";
import { Button } from "../../components/Button.tsx";
import { Coded } from "../../components/Coded.tsx";
import { Notice } from "../../components/Notice.tsx";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { paths } from "../../routes/paths.ts";
import { actorName } from "./actor.ts";
import { ForceCancelButton } from "./ForceCancelButton.tsx";
import { LocksNotice } from "./LocksNotice.tsx";
import { standingOf } from "./standing.ts";
import { queueWords } from "./words.ts";

/** What the execution waits for as a whole, or what it does beside its blocks; nothing while it just runs. */
export function StandingNotice({ execution }: { execution: Execution }) {
  const standing = standingOf(execution);
  switch (standing?.type) {
    case undefined:
      return null;
    case "canceling":
      return (
        <Notice
          tone="warn"
          role="status"
          icon={<LoaderCircle className="animate-spin" aria-hidden />}
          title="Canceling"
          actions={<ForceCancelButton executionId={execution.id} />}
        >
          What runs was asked to stop. It ends when its agent says that every process is gone, or when nobody
          can tell.
        </Notice>
      );
    case "paused":
      return (
        <Notice
          tone="warn"
          role="status"
          icon={<Pause aria-hidden />}
          title={`Paused by ${actorName(standing.by.actor)}${standing.by.reason && `: ${standing.by.reason}`}`}
        >
          <RelativeTime time={standing.by.at} />. What runs goes on to its end; nothing new begins until
          somebody resumes it.
        </Notice>
      );
    case "unreachable":
      return <UnreachableNotice steps={standing.steps} />;
    case "locks":
      return <LocksNotice execution={execution} step={standing.step} />;
    case "queued":
      return <QueueNotice execution={execution} queue={standing.queue} step={standing.step} />;
    case "compensating":
      return (
        <Notice tone="warn" role="status" icon={<Undo2 aria-hidden />} title="Undoing what was done">
          {standing.cause ? `“${standing.cause.title}” failed. ` : "It failed. "}
          What succeeded before it is undone now, the last first.
        </Notice>
      );
    case "finally":
      return (
        <Notice tone="live" role="status" icon={<ListEnd aria-hidden />} title="Doing what comes at the end">
          Its blocks are over; these steps run whatever happened before.
        </Notice>
      );
    default:
      return standing satisfies never;
  }
}

function UnreachableNotice({ steps }: { steps: readonly Step[] }) {
  const agents = [...new Set(steps.flatMap(({ agentName }) => agentName ?? []))];
  const named = agents.length === 1 ? `Agent ${agents[0]}` : `${agents.length} agents`;
  return (
    <Notice
      tone="warn"
      role="status"
      icon={<Unplug aria-hidden />}
      title={`${agents.length === 0 ? "The agent" : named} cannot be reached`}
      actions={<SeeAgents />}
    >
      {steps.length === 1 ? `“${steps[0]?.title}”` : `${steps.length} steps`} may well go on over there. The
      output arrives when the connection is back.
    </Notice>
  );
}

interface QueueNoticeProps {
  execution: Execution;
  queue: QueuePlace;
  step: Step | undefined;
}

function QueueNotice({ execution, queue, step }: QueueNoticeProps) {
  const { poolName } = execution.plan.target;
  const { tone, title, detail, toAgents } = queueWords(queue, poolName, step?.title);
  return (
    <Notice
      tone={tone}
      role="status"
      icon={toAgents ? <Unplug aria-hidden /> : <Hourglass aria-hidden />}
      title={title}
      actions={toAgents && <SeeAgents />}
    >
      {detail && <Coded text={detail} />}
    </Notice>
  );
}

function SeeAgents() {
  return (
    <Button asChild size="sm">
      <Link to={paths.agents}>See agents</Link>
    </Button>
  );
}
