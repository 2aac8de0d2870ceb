import type { Execution, Step } from "#protocol/api/executions.ts";
import { blockAt } from "#protocol/paths.ts";
import type { StepLog } from "../../live/executionSession.ts";
import { OutputPane } from "./OutputPane.tsx";
import { StepDetail } from "./StepDetail.tsx";

interface Props {
  execution: Execution;
  step: Step;
  log: StepLog;
  /** The line in the address. */
  line: number | undefined;
}

/** What a step says: its output, or, where it has none, what it is and what became of it. */
export function StepPane(props: Props) {
  const block = blockAt(props.execution.plan, props.step.id);
  const prints = block?.kind === "command" || block?.kind === "api";
  if (!block || (prints && !props.step.lists)) return <OutputPane {...props} />;
  return <StepDetail execution={props.execution} step={props.step} block={block} />;
}
