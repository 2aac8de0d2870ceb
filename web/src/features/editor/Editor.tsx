import { ArrowLeft } from "lucide-react";
import { lazy, Suspense, useDeferredValue, useMemo, useRef, useState } from "react";
import { Link } from "react-router";
import type { ProblemIssue } from "#protocol/errors.ts";
import { parseRunbook } from "#protocol/runbook/markdown.ts";
import { Button } from "../../components/Button.tsx";
import { plural } from "../../components/format.ts";
import { SAVE_KEYS } from "../../components/Kbd.tsx";
import { Tab, TabList, TabPanel, Tabs } from "../../components/Tabs.tsx";
import { useTitle } from "../../components/useTitle.ts";
import { ConflictDialog } from "./ConflictDialog.tsx";
import { DraftNotice } from "./DraftNotice.tsx";
import { IssueList } from "./IssueList.tsx";
import { LeaveGuard } from "./LeaveGuard.tsx";
import { Preview } from "./Preview.tsx";
import type { SourceEditorHandle } from "./SourceEditor.tsx";
import { type Save, useEditor } from "./useEditor.ts";

const SourceEditor = lazy(async () => ({ default: (await import("./SourceEditor.tsx")).SourceEditor }));

interface Props {
  /** Names the draft that is kept on this device. */
  draftId: string;
  heading: string;
  back: string;
  /** What the server has; what differs from it is unsaved. */
  saved: string;
  initial: string;
  /** The version the edit begins from; 0 for a new runbook. */
  base: number;
  save: Save;
}

const NONE: readonly ProblemIssue[] = [];

type View = "source" | "preview";

/** Side by side where there is room, one at a time on a phone. */
const PANE = "min-w-0 flex-1 focus-visible:-outline-offset-2 max-lg:data-[state=inactive]:hidden";

/** Markdown on the left, what it means on the right; on a phone one or the other. */
export function Editor({ draftId, heading, back, saved, initial, base, save }: Props) {
  useTitle(`Edit ${heading}`);
  const editor = useEditor({ draftId, saved, initial, base, save });
  const handle = useRef<SourceEditorHandle>(null);
  const [view, setView] = useState<View>("source");
  const settled = useDeferredValue(editor.source);
  const parsed = useMemo(() => parseRunbook(settled), [settled]);
  const issues = parsed.ok ? editor.serverIssues : parsed.issues;
  const warnings = parsed.ok ? parsed.warnings : NONE;
  const trySave = () => {
    if (parsed.ok) editor.save();
    else setView("source");
  };
  return (
    <div className="flex h-full min-h-0 flex-col">
      <header className="flex items-center gap-2 border-b border-line px-3 py-2 sm:px-5">
        <Button asChild variant="ghost" size="icon">
          <Link to={back} aria-label="Back">
            <ArrowLeft aria-hidden />
          </Link>
        </Button>
        <h1 className="min-w-0 flex-1 truncate text-[0.9375rem] font-semibold">{heading}</h1>
        <span role="status" className="truncate text-[0.8125rem] text-muted max-sm:hidden">
          {parsed.ok ? (editor.dirty ? "Unsaved" : "Saved") : plural(parsed.issues.length, "problem")}
        </span>
        <Button
          variant="primary"
          busy={editor.saving}
          disabled={!parsed.ok || !editor.dirty}
          onClick={trySave}
        >
          {base === 0 ? "Create" : "Save"}
          <span className="opacity-75 pointer-coarse:hidden" aria-hidden>
            {SAVE_KEYS}
          </span>
        </Button>
      </header>
      <Tabs
        value={view}
        onValueChange={(next) => setView(next as View)}
        className="flex min-h-0 flex-1 flex-col"
      >
        <TabList label="View" className="px-4 lg:hidden">
          <Tab value="source">Source</Tab>
          <Tab value="preview">Preview</Tab>
        </TabList>
        <DraftNotice editor={editor} onDiscard={(source) => handle.current?.replace(source)} />
        <div className="flex min-h-0 flex-1">
          <TabPanel
            forceMount
            value="source"
            tabIndex={-1}
            className={`${PANE} flex flex-col border-line lg:border-r`}
          >
            <Suspense
              fallback={
                <div role="status" aria-label="Loading the editor" className="flex-1 bg-(--log-canvas)" />
              }
            >
              <SourceEditor
                ref={handle}
                initial={editor.source}
                issues={issues}
                warnings={warnings}
                onChange={editor.setSource}
                onSave={trySave}
              />
            </Suspense>
            <IssueList issues={issues} warnings={warnings} onGo={(issue) => handle.current?.reveal(issue)} />
          </TabPanel>
          {/* The preview scrolls by itself, so it can be reached by keyboard. */}
          <TabPanel forceMount value="preview" className={`${PANE} overflow-y-auto`}>
            <Preview parsed={parsed} />
          </TabPanel>
        </div>
      </Tabs>
      <LeaveGuard when={editor.dirty && !editor.leaving} />
      <ConflictDialog editor={editor} />
    </div>
  );
}
