import { useState, useSyncExternalStore } from "react";
import { useLocation } from "react-router";
import type { Execution, Step } from "#protocol/api/executions.ts";
import type { StepLog } from "../../live/executionSession.ts";
import { LogSearchBar } from "../log/LogSearchBar.tsx";
import { LogView } from "../log/LogView.tsx";
import { useLogSearch } from "../log/useLogSearch.ts";
import { isToldAbove } from "./culprit.ts";
import { StepNotices } from "./StepNotices.tsx";
import { StepSilence } from "./StepSilence.tsx";
import { StepToolbar } from "./StepToolbar.tsx";
import { StepWaiting } from "./StepWaiting.tsx";
import { hashOf } from "./selection.ts";
import { useWrap } from "./useWrap.ts";

interface Props {
  execution: Execution;
  step: Step;
  log: StepLog;
  line: number | undefined;
}

/** The output of a step, live, with what is done to it. */
export function OutputPane({ execution, step, log, line }: Props) {
  const { pathname } = useLocation();
  const [wrap, setWrap] = useWrap();
  const [searching, setSearching] = useState(false);
  const search = useLogSearch(log);
  useSyncExternalStore(log.store.subscribe, log.store.getVersion);
  const hit = search.current === undefined ? undefined : search.lines[search.current];
  const empty = log.store.lineCount === 0;
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
      <StepNotices step={step} told={isToldAbove(execution, step)} />
      <StepWaiting execution={execution} step={step} />
      {empty && (step.state !== "waiting" || !step.wait) && <StepSilence step={step} />}
      {empty ? null : (
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
