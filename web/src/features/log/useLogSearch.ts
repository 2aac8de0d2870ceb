/** The state of a search in one log: the hits, and which of them is current. */
import { useEffect, useMemo, useState } from "react";
import type { StepLog } from "../../live/executionSession.ts";
import { searchLog } from "../../live/search.ts";

/** Up to here everything is read before it is searched; beyond, only what is loaded. */
const READ_ALL_MAX_BYTES = 16 * 1024 * 1024;
const PAUSE_MS = 150;

export interface LogSearch {
  query: string;
  setQuery(query: string): void;
  lines: readonly number[];
  found: ReadonlySet<number>;
  /** The current hit's place in `lines`; undefined when there is none. */
  current: number | undefined;
  step(by: 1 | -1): void;
  searching: boolean;
  more: boolean;
  /** Some of the output is too far away to be searched. */
  partial: boolean;
}

const NONE = { lines: [] as number[], more: false };

export function useLogSearch({ store, loader }: StepLog): LogSearch {
  const [query, setQuery] = useState("");
  const [result, setResult] = useState(NONE);
  const [current, setCurrent] = useState<number>();
  const [searching, setSearching] = useState(false);
  const partial = store.bytes > READ_ALL_MAX_BYTES;

  useEffect(() => {
    setResult(NONE);
    setCurrent(undefined);
    setSearching(query !== "");
    if (query === "") return;
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      try {
        if (store.bytes <= READ_ALL_MAX_BYTES) await loader.readAll(abort.signal);
        const found = await searchLog(store, query, abort.signal);
        setResult(found);
        setCurrent(found.lines.length > 0 ? 0 : undefined);
      } catch {
        // Aborted by the next key, or a range could not be read: the view says so itself.
      }
      if (!abort.signal.aborted) setSearching(false);
    }, PAUSE_MS);
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [query, store, loader]);

  const found = useMemo(() => new Set(result.lines), [result]);
  const { lines } = result;
  const step = (by: 1 | -1) => {
    if (lines.length > 0) setCurrent(((current ?? 0) + by + lines.length) % lines.length);
  };
  return { query, setQuery, lines, found, current, step, searching, more: result.more, partial };
}
