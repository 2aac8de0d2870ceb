import { ArrowDown, RefreshCw, TriangleAlert } from "lucide-react";
import { useEffect, useRef, useSyncExternalStore } from "react";
import { Button } from "../../components/Button.tsx";
import { Notice } from "../../components/Notice.tsx";
import type { StepLog } from "../../live/executionSession.ts";
import { LogRow } from "./LogRow.tsx";
import { useLogWindow } from "./useLogWindow.ts";

interface Props {
  log: StepLog;
  /** Names the output for screen readers. */
  label: string;
  /** Address of a line, for its number's link. */
  hrefOf(line: number): string;
  /** A line to bring to the screen and mark. */
  marked: number | undefined;
  /** Lines that a search found; the marked one is the current. */
  found: ReadonlySet<number>;
  wrap: boolean;
  startAtEnd: boolean;
}

const UPWARD: ReadonlySet<string> = new Set(["ArrowUp", "PageUp", "Home"]);

/** The output of one attempt: only what is on the screen is in the page. */
export function LogView({ log, label, hrefOf, marked, found, wrap, startAtEnd }: Props) {
  const view = useLogWindow(log, wrap, startAtEnd && marked === undefined);
  const failed = useSyncExternalStore(log.loader.subscribe, log.loader.getFailed);
  const { toLine } = view;
  const go = useRef(toLine);
  go.current = toLine;
  useEffect(() => {
    if (marked !== undefined) go.current(marked);
  }, [marked]);
  const count = log.store.lineCount;
  const digits = Math.max(3, String(count).length);
  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={view.scroller}
        onScroll={view.onScroll}
        onWheel={(event) => event.deltaY < 0 && view.onLeave()}
        onTouchMove={view.onLeave}
        onKeyDown={(event) => UPWARD.has(event.key) && view.onLeave()}
        className="log absolute inset-0 overflow-auto focus-visible:-outline-offset-2"
        data-wrap={wrap}
        role="log"
        // Thousands of lines read aloud help nobody; what happens to the step is announced elsewhere.
        aria-live="off"
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so it must be reachable by keyboard
        tabIndex={0}
      >
        {/* Clipped: rows past its end would make the area higher, and scrolling would chase them. */}
        <div style={{ height: view.height }} className="relative overflow-y-clip">
          <div
            ref={view.rows}
            className={wrap ? "absolute inset-x-0" : "absolute left-0 w-max min-w-full"}
            style={{ transform: `translateY(${view.top}px)` }}
          >
            {Array.from({ length: Math.max(0, view.to - view.from) }, (_, index) => view.from + index).map(
              (number) => (
                <LogRow
                  key={number}
                  number={number}
                  line={log.store.line(number)}
                  href={hrefOf(number)}
                  marked={number === marked}
                  found={found.has(number)}
                  digits={digits}
                />
              ),
            )}
          </div>
        </div>
      </div>
      {failed && (
        <Notice
          className="absolute inset-x-3 bottom-3 shadow-floating"
          tone="warn"
          role="alert"
          icon={<TriangleAlert aria-hidden />}
          actions={
            <Button size="sm" onClick={() => log.loader.retry()}>
              <RefreshCw aria-hidden />
              Try again
            </Button>
          }
        >
          Part of the output could not be read.
        </Notice>
      )}
      {!view.following && !view.atEnd && !failed && (
        <Button className="absolute right-4 bottom-4 rounded-full shadow-floating" onClick={view.toEnd}>
          <ArrowDown aria-hidden />
          Jump to the end
        </Button>
      )}
    </div>
  );
}
