/**
 * Which rows of a log are on the screen, and where. Rows have one height until
 * lines are wrapped and measured; a log higher than a browser can scroll is
 * scrolled at a scale.
 */
import { type RefObject, useCallback, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import type { StepLog } from "../../live/executionSession.ts";
import { RowHeights } from "../../live/rowHeights.ts";

export const ROW_HEIGHT = 20;
const OVERSCAN = 12;
/** Below what every browser can lay out; above it scrolling is scaled. */
const SCROLL_MAX = 8_000_000;
/** This near to the end counts as being there. */
const END_SLACK = 12;

export interface LogWindow {
  scroller: RefObject<HTMLDivElement | null>;
  rows: RefObject<HTMLDivElement | null>;
  /** Rows to render: `from` up to, not including, `to`. */
  from: number;
  to: number;
  /** Height of the scrolled area and where the first rendered row stands in it, pixels. */
  height: number;
  top: number;
  following: boolean;
  atEnd: boolean;
  onScroll(): void;
  /** The reader moves away from the end by wheel, finger or key: stop pulling them back at once. */
  onLeave(): void;
  toEnd(): void;
  /** Brings a line to the screen, unless it is there. */
  toLine(line: number): void;
}

interface View {
  scrollTop: number;
  height: number;
}

export function useLogWindow({ store, loader }: StepLog, wrap: boolean, startAtEnd: boolean): LogWindow {
  const version = useSyncExternalStore(store.subscribe, store.getVersion);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  const [heights] = useState(() => new RowHeights(ROW_HEIGHT));
  const [view, setView] = useState<View>({ scrollTop: 0, height: 0 });
  const [following, setFollowing] = useState(startAtEnd);
  const [, setMeasured] = useState(0);

  const count = store.lineCount;
  const full = heights.top(count);
  const height = Math.min(full, SCROLL_MAX);
  const scale = full > SCROLL_MAX ? (full - view.height) / Math.max(1, SCROLL_MAX - view.height) : 1;
  const offset = Math.max(0, Math.min(view.scrollTop * scale, full - view.height));
  const first = Math.min(heights.rowAt(offset), Math.max(0, count - 1));
  const last = heights.rowAt(offset + view.height);
  const from = Math.max(0, first - OVERSCAN);
  const to = Math.min(count, last + 1 + OVERSCAN);
  const top = view.scrollTop + (heights.top(from) - offset);

  const readView = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    const { scrollTop, clientHeight } = element;
    setView((old) =>
      old.scrollTop === scrollTop && old.height === clientHeight ? old : { scrollTop, height: clientHeight },
    );
  }, []);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    let width = element.clientWidth;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth !== width) heights.clear();
      width = element.clientWidth;
      readView();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [heights, readView]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: heights of wrapped lines mean nothing unwrapped
  useLayoutEffect(() => {
    heights.clear();
    setMeasured((count) => count + 1);
  }, [wrap, heights]);

  // Wrapped rows tell their height once they stand there; what grows above the screen moves it along.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!wrap || !element || !rows.current) return;
    let grown = false;
    let above = 0;
    for (const row of rows.current.children) {
      const line = Number((row as HTMLElement).dataset.line);
      const growth = heights.measure(line, (row as HTMLElement).offsetHeight);
      grown ||= growth !== 0;
      if (line < first) above += growth;
    }
    if (!grown) return;
    if (above !== 0 && !following) element.scrollTop += above / scale;
    setMeasured((measured) => measured + 1);
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: every change of the log moves its end
  useLayoutEffect(() => {
    const element = scroller.current;
    if (following && element) element.scrollTop = element.scrollHeight;
    readView();
  }, [following, version, height, readView]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a change of the log may leave a gap on the screen
  useLayoutEffect(() => {
    if (view.height > 0) loader.look(first, last + 1);
  }, [loader, first, last, version, view.height]);

  const lastTop = useRef(0);
  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    const atEnd =
      element.scrollHeight - element.clientHeight - element.scrollTop <= Math.max(1, END_SLACK / scale);
    if (atEnd) setFollowing(true);
    else if (element.scrollTop < lastTop.current) setFollowing(false);
    lastTop.current = element.scrollTop;
    readView();
  };

  const toLine = (line: number) => {
    const element = scroller.current;
    if (!element) return;
    setFollowing(false);
    if (line > first && line < last) return;
    const target = heights.top(Math.min(line, count)) - element.clientHeight / 3;
    element.scrollTop = Math.max(0, target) / scale;
    readView();
  };

  useWheelAtScale(scroller, scale);
  const onLeave = () => setFollowing(false);
  const toEnd = () => setFollowing(true);
  const atEnd = offset + view.height >= full - END_SLACK;
  return { scroller, rows, from, to, height, top, following, atEnd, onScroll, onLeave, toEnd, toLine };
}

/** Where scrolling is scaled, a turn of the wheel still moves by what it says. */
function useWheelAtScale(scroller: RefObject<HTMLDivElement | null>, scale: number): void {
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || scale === 1) return;
    const onWheel = (event: WheelEvent) => {
      if (event.ctrlKey || event.deltaY === 0) return;
      event.preventDefault();
      element.scrollTop += event.deltaY / scale;
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [scroller, scale]);
}
