import { CircleSlash, MessageCircleQuestion, WifiOff } from "lucide-react";
import type { Execution, Step } from "#protocol/api/executions.ts";
import { Button } from "../../components/Button.tsx";
import { Coded } from "../../components/Coded.tsx";
import { Notice } from "../../components/Notice.tsx";
import { useDelayed } from "../../components/useDelayed.ts";
import type { SessionSnapshot } from "../../live/executionSession.ts";
import { asksPerson } from "./selection.ts";
import { executionLook } from "./states.ts";
import { endingWords } from "./words.ts";

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

interface QuestionProps {
  steps: readonly Step[];
  shown: string | undefined;
  choose(id: string): void;
}

/** Somebody is asked something, and the page shows another step. */
export function QuestionNotice({ steps, shown, choose }: QuestionProps) {
  const asking = steps.filter((step) => asksPerson(step) && step.id !== shown);
  const first = asking[0];
  if (!first) return null;
  return (
    <Notice
      tone="warn"
      role="status"
      icon={<MessageCircleQuestion aria-hidden />}
      title={
        asking.length === 1 ? `“${first.title}” needs an answer` : `${asking.length} steps need an answer`
      }
      actions={
        <Button size="sm" variant="primary" onClick={() => choose(first.id)}>
          Answer
        </Button>
      }
    />
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
      {words.detail && <Coded text={words.detail} />}
    </Notice>
  );
}
