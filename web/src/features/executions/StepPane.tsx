import { useState, useSyncExternalStore } from "react";
import { useLocation } from "react-router";
import type { Execution, Step } from "#protocol/api/executions.ts";
import { blockAt } from "#protocol/paths.ts";
import { isExecutionTerminal } from "#protocol/states.ts";
import { formatBytes } from "../../components/format.ts";
import { Notice } from "../../components/Notice.tsx";
import type { StepLog } from "../../live/executionSession.ts";
import { LogSearchBar } from "../log/LogSearchBar.tsx";
import { LogView } from "../log/LogView.tsx";
import { useLogSearch } from "../log/useLogSearch.ts";
import { Prose } from "../runbooks/Prose.tsx";
import { StepSilence } from "./StepSilence.tsx";
import { StepToolbar } from "./StepToolbar.tsx";
import { StepWaiting } from "./StepWaiting.tsx";
import { hashOf } from "./selection.ts";
import { useWrap } from "./useWrap.ts";
import { stepWords } from "./words.ts";

interface Props {
  execution: Execution;
  step: Step;
  log: StepLog;
  /** The line in the address. */
  line: number | undefined;
}

/** What a step says: its output, or its prose. */
export function StepPane(props: Props) {
  const { execution, step } = props;
  const block = blockAt(execution.plan, step.id);
  if (block?.kind === "instruction") {
    return (
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="max-w-prose px-4 py-4 sm:px-6">
          <Prose markdown={block.markdown} />
        </div>
        <StepWaiting execution={execution} step={step} />
      </div>
    );
  }
  return <OutputPane {...props} />;
}

function OutputPane({ execution, step, log, line }: Props) {
  const { pathname } = useLocation();
  const [wrap, setWrap] = useWrap();
  const [searching, setSearching] = useState(false);
  const search = useLogSearch(log);
  useSyncExternalStore(log.store.subscribe, log.store.getVersion);
  const hit = search.current === undefined ? undefined : search.lines[search.current];
  const closeSearch = () => {
    setSearching(false);
    search.setQuery("");
  };
  return (
    <section aria-label={`Step ${step.title}`} className="flex min-h-0 min-w-0 flex-1 flex-col">
      <StepToolbar
        executionId={execution.id}
        step={step}
        log={log}
        wrap={wrap}
        onWrap={setWrap}
        onSearch={() => setSearching(true)}
      />
      {searching && <LogSearchBar search={search} onClose={closeSearch} />}
      <StepNotices step={step} alone={isExecutionTerminal(execution.state)} />
      <StepWaiting execution={execution} step={step} />
      {log.store.lineCount === 0 ? (
        <StepSilence step={step} />
      ) : (
        <LogView
          log={log}
          label={`Output of ${step.title}`}
          hrefOf={(number) => pathname + hashOf(step.id, number)}
          marked={hit ?? line}
          found={search.found}
          wrap={wrap}
          startAtEnd={step.state !== "succeeded"}
        />
      )}
    </section>
  );
}

/** `alone`: the execution has ended, and its own banner tells of the step that ended it. */
function StepNotices({ step, alone }: { step: Step; alone: boolean }) {
  const words = alone && step.state !== "skipped" ? undefined : stepWords(step);
  const { cutBytes } = step.output;
  if (!words && cutBytes === 0) return null;
  return (
    <div className="flex flex-col gap-2 border-b border-line bg-surface px-4 py-2">
      {words && (
        <Notice tone={words.tone} title={words.title}>
          {words.detail}
        </Notice>
      )}
      {cutBytes > 0 && (
        <Notice tone="warn" title={`${formatBytes(cutBytes)} of output are not here`}>
          The step wrote more than its limit keeps. It went on undisturbed; raise <code>output=</code> on the
          block to keep more.
        </Notice>
      )}
    </div>
  );
}
