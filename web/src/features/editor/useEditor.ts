/** The state of an edit: text, draft, saving, and what the server said. */
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { toast } from "sonner";
import type { ProblemIssue } from "#protocol/errors.ts";
import { ApiError, messageOf } from "../../api/errors.ts";
import { dropDraft, readDraft, writeDraft } from "./draft.ts";

/** Saves, and says what was done and where to go then. `overwrite`: on top of what somebody else saved. */
export type Save = (
  source: string,
  options: { overwrite: boolean },
) => Promise<{ message: string; leave(): unknown }>;

interface Input {
  draftId: string;
  saved: string;
  initial: string;
  base: number;
  save: Save;
}

export interface EditorState {
  source: string;
  setSource(source: string): void;
  dirty: boolean;
  saving: boolean;
  /** The save is done and the page is about to change. */
  leaving: boolean;
  save(options?: { overwrite: boolean }): void;
  /** Problems that only the server found. */
  serverIssues: readonly ProblemIssue[];
  /** Somebody saved in between. */
  conflict: boolean;
  dismissConflict(): void;
  /** Unsaved text of an earlier visit is in the editor. */
  restored: boolean;
  /** Gives the restored text up; returns what the editor shows instead. */
  discardDraft(): string;
}

const DRAFT_PAUSE_MS = 400;

export function useEditor({ draftId, saved, initial, base, save }: Input): EditorState {
  const [draft] = useState(() => readDraft(draftId));
  const fits = draft !== undefined && draft.base === base && draft.source !== initial;
  const [restored, setRestored] = useState(fits);
  const [source, setSource] = useState(fits ? draft.source : initial);
  const [conflict, setConflict] = useState(false);
  const [serverIssues, setServerIssues] = useState<readonly ProblemIssue[]>([]);
  const dirty = source !== saved;

  useEffect(() => {
    if (source === initial) return;
    const timer = setTimeout(() => writeDraft(draftId, { source, base }), DRAFT_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [draftId, source, initial, base]);

  const saving = useMutation({
    mutationFn: (options: { overwrite: boolean }) => save(source, options),
    onSuccess: ({ message }) => {
      dropDraft(draftId);
      toast.success(message);
    },
    onError: (error) => {
      if (error instanceof ApiError && error.code === "precondition_failed") setConflict(true);
      else if (error instanceof ApiError && error.code === "invalid_runbook") setServerIssues(error.issues);
      else toast.error("It was not saved", { description: messageOf(error) });
    },
  });

  // After the render in which the guard against leaving unsaved has stood down.
  const { data: done } = saving;
  useEffect(() => {
    done?.leave();
  }, [done]);

  return {
    source,
    setSource: (next) => {
      setSource(next);
      setServerIssues([]);
    },
    dirty,
    saving: saving.isPending,
    leaving: saving.isSuccess,
    save: (options = { overwrite: false }) => {
      if (saving.isPending || saving.isSuccess || !dirty) return;
      setConflict(false);
      saving.mutate(options);
    },
    serverIssues,
    conflict,
    dismissConflict: () => setConflict(false),
    restored,
    discardDraft: () => {
      dropDraft(draftId);
      setRestored(false);
      setSource(initial);
      return initial;
    },
  };
}
