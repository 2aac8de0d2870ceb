import { CircleSlash, Hourglass, Unplug, WifiOff } from "lucide-react";
import { Link } from "react-router";
import type { Execution } from "#protocol/api/executions.ts";
import { Button } from "../../components/Button.tsx";
import { Notice } from "../../components/Notice.tsx";
import { useDelayed } from "../../components/useDelayed.ts";
import type { SessionSnapshot } from "../../live/executionSession.ts";
import { paths } from "../../routes/paths.ts";
import { executionLook } from "./states.ts";
import { endingWords, queueWords } from "./words.ts";

/** A short drop is no news. */
const PATIENCE_MS = 2_000;

/** The page lost its stream: what is shown stands still until it is back. */
export function StreamNotice({ connection }: { connection: SessionSnapshot["connection"] }) {
  const broken = connection === "reconnecting" || connection === "connecting";
  if (!useDelayed(broken, PATIENCE_MS)) return null;
  return (
    <Notice tone="warn" role="status" icon={<WifiOff aria-hidden />} title="Reconnecting…">
      The execution goes on without this page. Nothing is lost: its output continues here from where it
      stopped.
    </Notice>
  );
}

export function QueueNotice({ execution }: { execution: Execution }) {
  if (!execution.queue) return null;
  const { tone, title, detail, toAgents } = queueWords(execution.queue, execution.plan.target.poolName);
  return (
    <Notice
      tone={tone}
      role="status"
      icon={toAgents ? <Unplug aria-hidden /> : <Hourglass aria-hidden />}
      title={title}
      actions={
        toAgents && (
          <Button asChild size="sm">
            <Link to={paths.agents}>See agents</Link>
          </Button>
        )
      }
    >
      {detail}
    </Notice>
  );
}

export function EndingNotice({ execution }: { execution: Execution }) {
  const words = endingWords(execution);
  if (!words) return null;
  const { icon: Icon } = executionLook(execution.state);
  return (
    <Notice
      tone={words.tone}
      icon={words.tone === "odd" ? <CircleSlash aria-hidden /> : <Icon aria-hidden />}
      title={words.title}
    >
      {words.detail}
    </Notice>
  );
}
